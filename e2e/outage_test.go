//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// The tests that take a server away do not run beside others.

// TestWarmCallsGoOnWithoutConsul stops Consul's server, and with it the agent that
// the gateway asks, for a while.
func TestWarmCallsGoOnWithoutConsul(t *testing.T) {
	a := newAgent(t, plain)
	v := a.register(program("WithoutConsul", "", `idle_after = "5m"`))
	a.calls(v)
	comeBack := without(t, "consul-server")
	callFor(t, a, v, 5*time.Second)
	comeBack()
	callFor(t, a, v, 3*time.Second)
	wantOneAllocation(t, v)
}

// TestCountsHoldWithoutConsulsServer has an agent that leads by a lock in Consul. While
// Consul's server is away nobody can know whether it still does: calls go on, a cold
// service is woken, no count is lowered, and explain says why.
func TestCountsHoldWithoutConsulsServer(t *testing.T) {
	a := sharing(t, 2)[0]
	warm := a.register(program("HeldWithoutConsul", "", `idle_after = "12s"`))
	cold := a.register(program("WokenWithoutConsul", "", `idle_after = "5m"`))
	a.calls(warm)
	comeBack := without(t, "consul-server")
	waitFor(t, "explain to say why the count stays", 30*time.Second, func(context.Context) error {
		return says(a, "HeldWithoutConsul", "stays at 1. All counts are held: it is not certain that this agent still leads: Consul has not confirmed its lock")
	})
	callFor(t, a, warm, 2*time.Second)
	if _, _, err := a.said(t.Context(), cold); err != nil {
		t.Errorf("a cold call without Consul: %v", err)
	}
	<-time.After(15 * time.Second) // longer than idle_after: there is nothing else to wait for
	wantCount(t, warm, 1)
	comeBack()
	a.goesIdle(warm)
	d := a.wantDecision(warm, service.KindIdle)
	t.Logf("afterwards: %s", d.Reason)
	wantOneAllocation(t, cold)
}

// says is nil once explain says something of a module.
func says(a *agent, module, what string) error {
	a.t.Helper()
	if said := a.do("policy", "explain", module); !strings.Contains(said, what) {
		return fmt.Errorf("it says:\n%s", said)
	}
	return nil
}

// TestMeshCallsGoOnWithoutConsulsServer does the same in the mesh, with calls
// that come all the time.
func TestMeshCallsGoOnWithoutConsulsServer(t *testing.T) {
	a := newAgent(t, meshed())
	v := a.register(container(t, "MeshWithoutConsul", "", `idle_after = "5m"`))
	a.calls(v)
	comeBack := without(t, "consul-server")
	callFor(t, a, v, 5*time.Second)
	comeBack()
	callFor(t, a, v, 2*time.Second)
	wantOneAllocation(t, v)
}

// TestWarmCallsGoOnWithoutNomad stops Nomad's server: what runs is called on, what
// does not run cannot be started, and says so at once.
func TestWarmCallsGoOnWithoutNomad(t *testing.T) {
	a := newAgent(t, plain)
	warm := a.register(program("WarmWithoutNomad", "", `idle_after = "5m"`))
	cold := a.register(program("ColdWithoutNomad", "", `idle_after = "5m"`))
	a.calls(warm)
	comeBack := without(t, "nomad-server")
	callFor(t, a, warm, 3*time.Second)
	r, err := a.post(t.Context(), cold, "echo")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the cold call was refused after %s: %s", r.took, r.body)
	if r.took > 15*time.Second {
		t.Errorf("the refusal took %s", r.took)
	}
	wantRPCError(t, r, service.Rejected, []string{"nomad cannot be reached"})
	callFor(t, a, warm, time.Second)
	waitFor(t, "explain to say why counts stay", 60*time.Second, func(context.Context) error {
		return says(a, "WarmWithoutNomad", "stays at 1. All counts are held: the cluster has not been heard")
	})

	comeBack()
	waitFor(t, "the cold service to be started after all", 30*time.Second, func(ctx context.Context) error {
		_, _, err := a.said(ctx, cold)
		return err
	})
	callFor(t, a, warm, time.Second)
	wantOneAllocation(t, warm)
}

// TestAnAgentThatIsStoppedAnswersTheCallsItHas sends SIGTERM while calls are in
// flight: an answer that is being waited for, one that streams, and typed ones.
func TestAnAgentThatIsStoppedAnswersTheCallsItHas(t *testing.T) {
	t.Parallel()
	const callers = 20
	a := newAgent(t, meshed())
	v := a.register(container(t, "StoppedUnderLoad", "", "max = 1\n idle_after = \"5m\"\n max_concurrency = 100"))
	a.calls(v)

	var begun sync.WaitGroup
	var group sync.WaitGroup
	failed := make(chan error, callers+1)
	for i := range callers {
		begun.Add(1)
		group.Go(func() {
			begun.Done()
			r, err := a.get(t.Context(), v, "/slow?ms=3000")
			if err := r.good(err); err != nil {
				failed <- fmt.Errorf("call %d: %w", i, err)
			}
		})
	}
	group.Go(func() {
		r, err := a.get(t.Context(), v, "/stream?n=20&ms=150")
		if err := r.good(err); err != nil {
			failed <- fmt.Errorf("stream: %w", err)
		} else if n := strings.Count(string(r.body), "\n"); n != 20 {
			failed <- fmt.Errorf("the stream had %d lines, want 20", n)
		}
	})
	begun.Wait()
	waitFor(t, "all calls to be in flight", 5*time.Second, func(context.Context) error {
		if n := a.status(v).Load.InFlight; n != callers+1 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	a.signal(syscall.SIGTERM)
	waitFor(t, "new calls to be refused", 5*time.Second, func(ctx context.Context) error {
		if r, err := a.get(ctx, v, "/"); err == nil && r.status != http.StatusServiceUnavailable {
			return fmt.Errorf("one was answered with %d", r.status)
		}
		return nil
	})
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if err := a.wait(20 * time.Second); err != nil {
		t.Errorf("the agent ended with %v, want exit code 0", err)
	}
	wantCount(t, v, 1) // left running for the next agent
}

// without stops a server until the returned function is called, at the latest
// until the end of the test.
func without(t *testing.T, name string) (comeBack func()) {
	t.Helper()
	if err := servers.StopProcess(name); err != nil {
		t.Fatal(err)
	}
	comeBack = sync.OnceFunc(func() {
		t.Helper()
		if err := servers.StartProcess(context.Background(), name); err != nil {
			t.Errorf("start %s again: %v", name, err)
		}
	})
	t.Cleanup(comeBack)
	return comeBack
}

// callFor calls a warm service all the time for a while; every call has to be
// answered.
func callFor(t *testing.T, a *agent, v service.Version, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var group sync.WaitGroup
	var calls atomic.Int64
	failed := make(chan error, 4)
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				// The call itself outlives the while.
				if _, r, err := a.said(t.Context(), v); err != nil {
					failed <- err
					return
				} else if r.took > 2*time.Second {
					failed <- fmt.Errorf("a call took %s", r.took)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Errorf("after %d calls: %v", calls.Load(), err)
	}
}
