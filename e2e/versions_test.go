//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestATagMovesAndIsSplitUnderLoad moves a tag to a version that takes its time to
// start, while the tag is called all the time: the old version answers until the
// new one can. Then a share of the calls goes back, by caller. No call fails.
func TestATagMovesAndIsSplitUnderLoad(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	old := program("Moved", "", `idle_after = "5m"`)
	next := program("Moved", `env = { START_DELAY = "4s" }`, `idle_after = "5m"`)
	next.version = "2.0.0"
	v1 := a.register(old, "-tag", "release")
	v2 := a.register(next, "-tag", "beta")
	a.calls(v1)

	seen := a.callTag(v1.Module)
	waitFor(t, "calls of the old version", 20*time.Second, seen.atLeast("1.0.0", 20))
	a.do("tag", "Moved@"+string(v2.ID), "release")
	before := seen.of("1.0.0")
	waitFor(t, "the new version to be placed", 20*time.Second, func(ctx context.Context) error { return counts(ctx, v2, 1) })
	waitFor(t, "the old version to answer while the new one starts", 20*time.Second, seen.atLeast("1.0.0", before+20))
	if n := seen.of("2.0.0"); n > 0 {
		t.Errorf("the new version has answered %d calls within its start", n)
	}
	waitFor(t, "the new version to take over", 40*time.Second, seen.atLeast("2.0.0", 50))
	settled := seen.of("1.0.0")
	waitFor(t, "the new version alone to answer", 20*time.Second, seen.atLeast("2.0.0", seen.of("2.0.0")+50))
	if n := seen.of("1.0.0") - settled; n > callersOfTag { // those that were under way
		t.Errorf("the old version has answered %d calls after the new one had taken over", n)
	}
	if s, _ := a.calls(v1); s.Facts.Version != "1.0.0" {
		t.Errorf("a call of the old version by its id was answered by %s", s.Facts.Version)
	}

	a.do("tag", "Moved@"+string(v1.ID), "release", "-split", "30", "-sticky", "header:X-User")
	const users = 100
	share, first := 0, map[string]string{}
	for round := range 2 {
		for i := range users {
			user := fmt.Sprintf("user %d", i)
			version, err := a.callRef(t.Context(), "Moved@release", http.Header{"X-User": {user}})
			switch {
			case err != nil:
				t.Fatalf("a split call: %v", err)
			case round == 0:
				first[user] = version
			case first[user] != version:
				t.Errorf("%s reached %s and then %s", user, first[user], version)
			}
			if round == 0 && version == "1.0.0" {
				share++
			}
		}
	}
	// 30 of 100 on average; beyond these it is luck of one in a hundred thousand.
	if share < 12 || share > 50 {
		t.Errorf("the share of 30 %% got %d of %d callers", share, users)
	}
	a.do("tag", "Moved@"+string(v1.ID), "release", "-split", "0")
	for user := range first {
		if version, err := a.callRef(t.Context(), "Moved@release", http.Header{"X-User": {user}}); err != nil || version != "2.0.0" {
			t.Fatalf("after the split %s reached %s, %v", user, version, err)
		}
	}
	seen.stop()
	t.Logf("answers by version: %v; %d of %d callers were with the share", seen.all(), share, users)
}

// callRef calls a module by any reference and says which version answered.
func (a *agent) callRef(ctx context.Context, ref string, header http.Header) (version string, err error) {
	module, _, _ := strings.Cut(ref, "@")
	text := fmt.Sprintf(`{"version":"1.1","id":"e2e","method":"%s.echo","params":[]}`, module)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/svc/"+ref, strings.NewReader(text))
	if err != nil {
		return "", err
	}
	maps.Copy(req.Header, header)
	res, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return "", err
	}
	var reply struct{ Result []json.RawMessage }
	if err := json.Unmarshal(body, &reply); err != nil || res.StatusCode != http.StatusOK || len(reply.Result) != 2 {
		return "", fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	var facts struct{ Version string }
	return facts.Version, json.Unmarshal(reply.Result[1], &facts)
}

// callersOfTag is how many call a tag at once.
const callersOfTag = 4

// tagCalls is which versions answer the calls of a tag.
type tagCalls struct {
	stop   func() // returns when the last call has ended
	counts [2]atomic.Int64
}

var tagVersions = []string{"1.0.0", "2.0.0"}

// callTag calls a module's release all the time, until it is told to stop or the
// test ends; no call may fail.
func (a *agent) callTag(module string) *tagCalls {
	ctx, cancel := context.WithCancel(context.Background())
	seen := &tagCalls{}
	var group sync.WaitGroup
	for range callersOfTag {
		group.Go(func() {
			for ctx.Err() == nil {
				version, err := a.callRef(context.WithoutCancel(ctx), module+"@release", nil)
				if err != nil {
					a.t.Errorf("a call of the tag: %v", err)
					return
				}
				for i, v := range tagVersions {
					if v == version {
						seen.counts[i].Add(1)
					}
				}
				select { // the machine is to start something meanwhile
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	seen.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	a.t.Cleanup(seen.stop)
	return seen
}

func (c *tagCalls) of(version string) int64 { return c.all()[version] }

func (c *tagCalls) all() map[string]int64 {
	all := map[string]int64{}
	for i, v := range tagVersions {
		all[v] = c.counts[i].Load()
	}
	return all
}

func (c *tagCalls) atLeast(version string, n int64) func(context.Context) error {
	return func(context.Context) error {
		if got := c.of(version); got < n {
			return fmt.Errorf("%s has answered %d of %d", version, got, n)
		}
		return nil
	}
}
