//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// sentenceLike is how a reason reads: words, then numbers with what they are.
var sentenceLike = regexp.MustCompile(`^[a-z0-9].* .*[a-z0-9)]$`)

// TestCountFollowsLoad calls a service by steps of 0, 1, 50, 5 and 0 callers at
// once, each for a while. No call fails, the count is there in time, and each
// change says why.
func TestCountFollowsLoad(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("Steps", "", "max = 6\n concurrency = 10\n max_concurrency = 20\n idle_after = \"15s\""))
	wantCount(t, v, 0)

	load(t, a, v, 1, 3*time.Second)
	wantCount(t, v, 1)

	// 50 callers of half a second: 10 an instance are 5 at least.
	stop := keepUp(t, a, v, 50)
	waitFor(t, "the count for 50 callers", time.Minute, func(ctx context.Context) error {
		n, err := count(ctx, v)
		if err == nil && n < 5 {
			err = fmt.Errorf("count %d, want 5 or more", n)
		}
		return err
	})
	stop()
	// A tenth of it: the peak is remembered for minutes.
	load(t, a, v, 5, 5*time.Second)
	if n, err := count(t.Context(), v); err != nil || n < 5 {
		t.Errorf("count = %d, %v; the peak is forgotten at once", n, err)
	}
	a.goesIdle(v)

	decisions := a.status(v).Decisions
	kinds := map[service.Kind]bool{}
	for _, d := range decisions {
		t.Logf("%d -> %d (%s, %s): %s", d.From, d.To, d.Kind, d.Outcome, d.Reason)
		kinds[d.Kind] = true
		if !sentenceLike.MatchString(d.Reason) {
			t.Errorf("the reason %q is no sentence", d.Reason)
		}
		if d.Kind == service.KindLoad && (len(d.Proposals) == 0 || d.Winner != "concurrency") {
			t.Errorf("a decision by load lacks what it was made from: %+v", d)
		}
	}
	for _, k := range []service.Kind{service.KindWake, service.KindLoad, service.KindIdle} {
		if !kinds[k] {
			t.Errorf("no decision of kind %s", k)
		}
	}
}

// load keeps so many calls in flight for a while.
func load(t *testing.T, a *agent, v service.Version, callers int, d time.Duration) {
	t.Helper()
	stop := keepUp(t, a, v, callers)
	<-time.After(d)
	stop()
}

// keepUp keeps so many calls in flight until it is told to stop; none may fail.
func keepUp(t *testing.T, a *agent, v service.Version, callers int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				// A call that began is let end.
				if err := answered(a.get(context.WithoutCancel(ctx), v, "/slow?ms=500")); err != nil {
					t.Errorf("with %d callers: %v", callers, err)
					return
				}
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func answered(r answer, err error) error { return r.good(err) }
