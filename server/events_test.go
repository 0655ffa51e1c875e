package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// watch reads events as somebody. The channel is closed when the stream ends.
func (w *world) watch(t *testing.T, who, query string, after int64) <-chan server.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/api/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+who)
	if after != 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("status %d, type %s", resp.StatusCode, got)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != ": alive" {
		t.Fatalf("first line %q", lines.Text())
	}
	events := make(chan server.Event, 5000)
	go func() {
		defer close(events)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var e server.Event
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Errorf("%s: %v", data, err)
				}
				events <- e
			}
		}
	}()
	return events
}

func decided(id service.ID, to int) service.Decision {
	return service.Decision{Service: id, To: to, Kind: "policy", Reason: "two calls wait", Outcome: "applied"}
}

func TestEventsTellWhatHappens(t *testing.T) {
	w := open(t)
	events := w.watch(t, token, "", 0)
	v := w.register(t, "dev")
	m := service.Module{Name: "Hello", Versions: []service.Version{v}, Tags: map[string]service.ID{"dev": v.ID}}
	w.cluster.feed.Changed(m)
	w.cluster.feed.Changed(m) // nothing is new
	m.Tags["release"] = v.ID
	m.Splits = map[string]service.Split{"release": {To: v.ID, Percent: 10}}
	w.cluster.feed.Changed(m)
	m.Splits = nil
	w.cluster.feed.Changed(m)
	w.cluster.feed.Decided(decided(v.ID, 2))
	var got []string
	var ids []int64
	for range 6 {
		e := <-events
		got, ids = append(got, string(e.Kind)+": "+e.Module+" "+e.Version+" "+e.Text), append(ids, e.ID)
	}
	want := []string{
		"module: Hello 1.0.0 was registered", "module: Hello 1.0.0 is now dev", "module: Hello 1.0.0 is now release",
		"module: Hello 1.0.0 gets 10 percent of the calls of release", "module: Hello 1.0.0 has all calls of release again",
		"decision: Hello 1.0.0 0 -> 2, policy: two calls wait",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// Who comes back hears what came since; whose last event is not kept hears that.
	if e := <-w.watch(t, token, "", ids[4]); e.ID != ids[5] {
		t.Errorf("after %d came %+v", ids[4], e)
	}
	if e := <-w.watch(t, token, "", 1); e.Kind != server.GapEvent {
		t.Errorf("after an event of long ago came %+v", e)
	}
}

func TestEventsAreForWhoMayChangeTheModule(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	w.cluster.feed.Remember(service.Module{Name: "Hello", Versions: []service.Version{v}})
	files := fstest.MapFS{"module.hcl": {Data: []byte("module \"Own\" {\n  version = \"1.0.0\"\n  run {\n    command = \"x\"\n  }\n}\n")}}
	own, _, err := w.catalog.Register(t.Context(), catalog.Upload{Files: files, By: people["dora"]})
	if err != nil {
		t.Fatal(err)
	}
	w.cluster.feed.Remember(service.Module{Name: "Own", Versions: []service.Version{own}})
	all, doras, one := w.watch(t, token, "", 0), w.watch(t, "dora", "", 0), w.watch(t, token, "?module=oWN", 0)
	w.cluster.feed.Decided(decided(v.ID, 1))
	w.cluster.feed.Decided(decided(own.ID, 2))
	heard := func(events <-chan server.Event, n int) (modules []string) {
		for range n {
			if e, open := <-events; open {
				modules = append(modules, e.Module)
			}
		}
		return modules
	}
	if got := heard(all, 2); !cmp.Equal(got, []string{"Hello", "Own"}) {
		t.Errorf("an admin heard of %v", got)
	}
	if got := heard(one, 1); !cmp.Equal(got, []string{"Own"}) {
		t.Errorf("of one module came %v", got)
	}
	if got := heard(doras, 1); !cmp.Equal(got, []string{"Own"}) {
		t.Errorf("dora heard of %v", got)
	}
	close(w.cluster.leaving)
	if _, open := <-all; open {
		t.Error("a stream goes on though the agent stops")
	}
	if status, _, _ := w.askAs(t, "ursula", http.MethodGet, "/api/v1/events", ""); status != http.StatusForbidden {
		t.Errorf("a user who develops nothing: %d", status)
	}
}
