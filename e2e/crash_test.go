//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TestAnAgentKilledDuringAColdStartIsForgiven kills the agent when the count is
// raised and nothing answers yet. The next agent adopts the instance.
func TestAnAgentKilledDuringAColdStartIsForgiven(t *testing.T) {
	t.Parallel()
	a := newAgent(t, meshed())
	v := a.register(container(t, "KilledColdly", `env = { START_DELAY = "3s" }`, `idle_after = "4s"`))
	cut := make(chan error, 1)
	go func() {
		_, err := a.post(t.Context(), v, "echo")
		cut <- err
	}()
	waitFor(t, "the count to be raised", 10*time.Second, func(ctx context.Context) error { return counts(ctx, v, 1) })
	a.kill()
	if err := <-cut; err == nil {
		t.Fatal("the call was answered before the agent was killed: the start is too fast for this test")
	}

	a.start()
	s, _ := a.calls(v)
	alloc := wantOneAllocation(t, v)
	if s.Facts.Alloc != alloc.ID {
		t.Errorf("answered by %s, want the instance that the killed agent had asked for, %s", s.Facts.Alloc, alloc.ID)
	}
	a.goesIdle(v)
}

// TestNothingRunsForEverAfterAKill kills the agent during a cold start whose
// caller never comes back.
func TestNothingRunsForEverAfterAKill(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("KilledAndForgotten", `env = { START_DELAY = "1s" }`, `idle_after = "2s"`))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = a.post(ctx, v, "echo") // nobody is there to hear the answer
	}()
	waitFor(t, "the count to be raised", 10*time.Second, func(ctx context.Context) error { return counts(ctx, v, 1) })
	a.kill()
	<-gone
	a.start()
	a.goesIdle(v)
	if d := a.wantDecision(v, service.KindIdle); d.From != 1 || d.To != 0 {
		t.Errorf("decision = %+v, want one from 1 to 0", d)
	}
}

// TestAnAgentKilledUnderLoadComesBackToItsServices kills the agent while callers
// are busy. What was registered is there again, the instance goes on, and when
// the callers have left, the service goes back to zero.
func TestAnAgentKilledUnderLoadComesBackToItsServices(t *testing.T) {
	t.Parallel()
	const callers = 8
	a := newAgent(t, meshed())
	busy := a.register(container(t, "KilledUnderLoad", "", "idle_after = \"4s\"\n concurrency = 50"))
	other := a.register(program("KilledBeside", "", ""))
	first, _ := a.calls(busy)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var answered, cut atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				_, _, err := a.said(ctx, busy)
				switch {
				case ctx.Err() != nil:
				case err != nil:
					cut.Add(1) // the agent is not there: expected, and tried again
				default:
					answered.Add(1)
				}
			}
		})
	}
	more := func(than int64) func(context.Context) error {
		return func(context.Context) error {
			if n := answered.Load(); n < than {
				return fmt.Errorf("%d calls were answered", n)
			}
			return nil
		}
	}
	waitFor(t, "load", 10*time.Second, more(100))
	a.kill()
	a.start()
	waitFor(t, "calls to be answered again", 20*time.Second, more(answered.Load()+100))
	stop()
	group.Wait()
	t.Logf("%d calls answered, %d met no agent", answered.Load(), cut.Load())

	if s, _ := a.calls(busy); s.Facts.Alloc != first.Facts.Alloc {
		t.Errorf("answered by %s, want %s, which ran before the kill", s.Facts.Alloc, first.Facts.Alloc)
	}
	wantOneAllocation(t, busy)
	for _, v := range []service.Version{busy, other} {
		if got := a.status(v); got.Definition.Digest != v.Digest || got.Version != v.Version {
			t.Errorf("%s after the kill = %+v, want what was registered", v.Module, got.Definition)
		}
	}
	a.goesIdle(busy)
	a.calls(other)
}

// TestAVersionWithoutAJobIsSubmittedAtStart is an agent that was killed after it
// had saved a version and before Nomad had it.
func TestAVersionWithoutAJobIsSubmittedAtStart(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("SavedNotSubmitted", "", ""))
	a.kill()
	purge(t, v.ID)
	waitFor(t, "the job to be gone", 10*time.Second, func(ctx context.Context) error {
		if _, err := count(ctx, v); err == nil {
			return errors.New("it is there")
		}
		return nil
	})
	a.start()
	waitFor(t, "the job to be submitted", 10*time.Second, func(ctx context.Context) error { return counts(ctx, v, 0) })
	a.calls(v)
}

// counts is nil when the count in Nomad is n.
func counts(ctx context.Context, v service.Version, n int) error {
	got, err := count(ctx, v)
	if err == nil && got != n {
		err = fmt.Errorf("the count is %d", got)
	}
	return err
}
