//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// every is the habit of the callers here.
const every = 5 * time.Minute

// usual is the memory that the price of an idle minute is said for.
const usual = "cpu = 100\n memory = 512\n disk = 50"

// TestAnInstanceIsThereBeforeTheCallThatComesEveryFiveMinutes gives an agent a past,
// as a restored backup would, in which a service was called every five minutes. Time
// is real, so the past is chosen such that the next call is due in a minute. The
// instance is started just before, the call finds it, and afterwards it goes until
// the next call is due. A service with the same past, whose habits an admin does not
// want to be acted upon, is left alone.
func TestAnInstanceIsThereBeforeTheCallThatComesEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	m, n := program("Punctual", "", ""), program("PunctualInVain", "", "")
	m.resources, n.resources = usual, usual
	v, other := a.register(m), a.register(n)
	a.do("policy", "set", other.Module, "-idle-price", "0", "-note", "it may be cold")
	a.signal(syscall.SIGTERM)
	if err := a.wait(40 * time.Second); err != nil {
		t.Fatalf("the agent, told to stop, ended with %v", err)
	}
	due := time.Now().Add(25 * time.Second).Truncate(time.Minute).Add(time.Minute)
	a.remembers(due.Add(-every), v, other)
	a.start()
	wantCount(t, v, 0)

	waitFor(t, "an instance ahead of the call", 2*time.Minute, func(ctx context.Context) error { return placed(ctx, v) })
	started := a.wantDecision(v, service.KindPrewarm)
	t.Logf("%s before a call is due: %s", due.Sub(started.At), started.Reason)
	if early := due.Sub(started.At); early > 10*time.Second || early < -time.Minute {
		t.Errorf("it was started %s before the call was due, want a few seconds", early)
	}
	if !strings.HasPrefix(started.Reason, "calls come every 5 min; ") || started.Winner != "habit" {
		t.Errorf("%s says why: %s", started.Winner, started.Reason)
	}
	if err := says(a, v.Module, "0 -> 1 (applied). Calls come every 5 min; a call in such a minute is "); err != nil {
		t.Error(err)
	}
	if late := time.Until(due); late > 0 {
		<-time.After(late) // a call at its usual time: there is nothing else to wait for
	}
	said, r := a.calls(v)
	if timing := r.header.Get("Server-Timing"); timing != "" {
		t.Errorf("the call waited for a start: %s", timing)
	}
	if alloc := wantOneAllocation(t, v); said.Facts.Alloc != alloc.ID {
		t.Errorf("answered by %s, want the instance that was started ahead, %s", said.Facts.Alloc, alloc.ID)
	}

	waitFor(t, "the instance to go until the next call is due", every, func(ctx context.Context) error { return emptied(ctx, v) })
	stopped := a.wantDecision(v, service.KindIdle)
	t.Logf("%s after the call was due: %s", stopped.At.Sub(due), stopped.Reason)
	next := due.Add(every)
	if !strings.HasSuffix(stopped.Reason, "; it is to be warm again at "+next.UTC().Format("15:04")+" UTC: 0 instances") || !stopped.At.Before(next) {
		t.Errorf("stopped at %s: %s", stopped.At, stopped.Reason)
	}
	if never, err := allocations(t.Context(), other); err != nil || len(never) > 0 {
		t.Errorf("the service that may be cold has had %d instances, %v", len(never), err)
	}
}

// placed is nil once an instance of a service runs.
func placed(ctx context.Context, v service.Version) error {
	allocs, err := allocations(ctx, v)
	if err != nil {
		return err
	}
	for _, a := range allocs {
		if a.ClientStatus == nomad.AllocClientStatusRunning {
			return nil
		}
	}
	return fmt.Errorf("there are %d allocations:%s", len(allocs), list(allocs))
}

// remembers gives an agent that does not run usage of services, as an agent stores
// it: a call in each of the hours before the last one, five minutes apart.
func (a *agent) remembers(last time.Time, called ...service.Version) {
	a.t.Helper()
	db, err := store.Open(a.t.Context(), filepath.Join(a.dir, "data", "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		a.t.Fatal(err)
	}
	var past []service.Sample
	for at := last.Add(-6 * time.Hour); !at.After(last); at = at.Add(every) {
		for _, v := range called {
			past = append(past, service.Sample{
				Service: v.ID, Start: at, Width: service.Duration{Duration: 5 * time.Second}, Calls: 1, Busy: 40 * time.Millisecond,
			})
		}
	}
	if err := db.AddSamples(a.t.Context(), past); err != nil {
		a.t.Error(err)
	}
	if err := db.Close(); err != nil {
		a.t.Error(err)
	}
}
