package scheduler_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestIdleToZero(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.after(59 * time.Second)
		w.want(1, "wake 0->1 applied")
		w.after(4 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
		if keep, closed := w.gate.isClosed(a); !closed || keep != 0 {
			t.Errorf("the gate was not closed before: keep %d, %v", keep, closed)
		}
		list, err := w.db.Decisions(t.Context(), a, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := list[0].Reason, "idle for 1m0s, longer than idle_after 1m0s"; got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
	})
}

func TestNeverUsedInstanceGoes(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.after(63 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestCallBeforeTheCountIsSet(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.gate.call(a, true, false) // draining goes on
		w.after(63 * time.Second)
		if _, closed := w.gate.isClosed(a); !closed {
			t.Fatal("the gate is not closing")
		}
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
		if _, closed := w.gate.isClosed(a); closed {
			t.Error("the gate was not opened again")
		}
	})
}

func TestGateFindsCalls(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.gate.call(a, false, true)
		w.after(61 * time.Second)
		w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
		if _, closed := w.gate.isClosed(a); closed {
			t.Error("the gate was not opened again")
		}
		w.gate.call(a, false, false)
		w.after(4 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 not applied", "idle 1->0 applied")
	})
}

func TestCallAfterTheCountIsSet(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.slow(time.Second)
		w.after(60*time.Second + 500*time.Millisecond) // the cluster is being asked
		if _, closed := w.gate.isClosed(a); !closed {
			t.Fatal("the gate is not closing")
		}
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied", "idle 1->0 applied", "wake 0->1 applied")
	})
}

func TestLostWakeIsMadeGood(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.gate.put(service.Load{ID: a, Phase: service.Starting, Queued: 1})
		w.engine.Poke()
		w.after(100 * time.Millisecond)
		w.want(1, "wake 0->1 applied")
	})
}

func TestGrowthAndShrink(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.IdleAfter.Duration = time.Hour
		w.open(v, scheduler.Options{})
		w.used()
		// 50 calls in flight for a minute, in buckets as the gateway writes them.
		for range 12 {
			w.ready(func(l *service.Load) { l.InFlight, l.Since = 50, time.Now().Add(-time.Minute) })
			start := time.Now()
			w.after(5 * time.Second)
			w.sample(start, 50)
		}
		w.want(8, "wake 0->1 applied", "load 1->8 applied")
		// Then one at a time: the peak is remembered for five minutes, and the way
		// down goes by halves.
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 1, time.Now().Add(-time.Minute) })
		w.after(4*time.Minute + 50*time.Second)
		if got := w.cluster.count(a); got != 8 {
			t.Errorf("count after nearly 5 min = %d, want 8", got)
		}
		w.after(70 * time.Second)
		if got := w.cluster.count(a); got != 4 {
			t.Errorf("count after 6 min = %d, want 4", got)
		}
		w.after(5 * time.Minute)
		if got := w.cluster.count(a); got != 1 {
			t.Errorf("count in the end = %d, want 1", got)
		}
	})
}

func TestUnknownIsNotZero(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.after(10 * time.Second)
		w.cluster.silence(true)
		w.after(time.Hour)
		w.want(1, "wake 0->1 applied")
		w.cluster.silence(false)
		w.after(3 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestForeignCountIsAdoptedAndHeld(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 3)
		w.after(9 * time.Minute)
		w.want(3, "adopted 0->3 applied")
		w.after(2 * time.Minute)
		w.want(0, "adopted 0->3 applied", "idle 3->0 applied")
	})
}

func TestForeignZeroKeepsNoCallerOut(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.put(a, 0)
		w.gate.put(service.Load{ID: a, Phase: service.Starting, Queued: 2})
		w.after(5 * time.Second)
		w.want(1, "wake 0->1 applied", "adopted 1->0 applied", "wake 0->1 applied")
	})
}

// What our own request did is not someone else's change, however late or early
// the watcher tells of it.
func TestOwnChangeIsNotForeign(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.freeze(true) // the watcher lags
		w.used()
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
		w.cluster.freeze(false)
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
	})
}

func TestRegisteringAnewIsNoChange(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.put(a, 1)
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
	})
}

func TestConflictIsDecidedAnew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(service.Errorf(service.ErrConflict, "moved"))
		w.after(70 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 not applied", "idle 1->0 applied")
	})
}

func TestShrinkWaitsForADeployment(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(service.ErrDeploying, service.ErrDeploying)
		w.after(70 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestCallWhileAShrinkWaitsForADeployment(t *testing.T) {
	calls := map[string]func(w *world){
		"that wakes": func(w *world) {
			if err := w.engine.Wake(w.t.Context(), a); err != nil {
				w.t.Fatal(err)
			}
		},
		"that waits": func(w *world) {
			w.ready(func(l *service.Load) { l.Phase, l.Queued = service.Closing, 1 })
			w.after(10 * time.Second)
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.open(version(0), scheduler.Options{})
				w.used()
				w.cluster.fail(slices.Repeat([]error{service.ErrDeploying}, 100)...)
				w.after(62 * time.Second)
				call(w)
				w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
				if _, closed := w.gate.isClosed(a); closed {
					t.Error("the gate was not opened again")
				}
			})
		})
	}
}

func TestClusterErrorsBackOff(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(slices.Repeat([]error{errors.New("no leader")}, 4)...)
		w.after(60 * time.Second)
		began := time.Now()
		for w.cluster.count(a) > 0 {
			w.after(time.Second)
		}
		if took := time.Since(began); took < 15*time.Second || took > 30*time.Second {
			t.Errorf("took %s, want 1+2+4+8 s, each up to the next tick", took)
		}
		list, err := w.db.Decisions(t.Context(), a, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := list[1].Outcome; !strings.HasSuffix(got, "no leader") {
			t.Errorf("outcome %q does not tell why", got)
		}
	})
}

func TestFailedStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 1
		w.open(v, scheduler.Options{})
		fail := func() {
			w.cluster.change(a, func(st *service.State) {
				st.Failure = &service.Failure{Cause: service.NoCapacity, Text: "memory exhausted", Final: true}
			})
		}
		w.want(1, "bounds 0->1 applied")
		fail()
		w.after(2 * time.Second)
		w.want(0, "bounds 0->1 applied", "failed 1->0 applied")
		w.after(9 * time.Second)
		w.want(0, "bounds 0->1 applied", "failed 1->0 applied")
		w.after(3 * time.Second)
		w.want(1, "bounds 0->1 applied", "failed 1->0 applied", "bounds 0->1 applied")
		fail()
		w.after(15 * time.Second)
		if got := w.cluster.count(a); got != 0 {
			t.Error("the pause did not double")
		}
		// A caller is not kept waiting for it, nor an admin.
		if err := w.engine.Start(t.Context(), a, "ada"); err != nil {
			t.Fatal(err)
		}
		if got := w.cluster.count(a); got != 1 {
			t.Errorf("count = %d after a start, want 1", got)
		}
	})
}

func TestCriticalInstancesAreNoCapacity(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 2
		v.Run.Health.StartDeadline.Duration = 20 * time.Second
		w.open(v, scheduler.Options{})
		checks := func(one, two service.Check) {
			w.cluster.change(a, func(st *service.State) {
				st.Endpoints[0].Alloc, st.Endpoints[1].Alloc = "one", "two"
				st.Endpoints[0].Check, st.Endpoints[1].Check = one, two
			})
		}
		checks(service.Passing, service.Critical)
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 13, time.Now().Add(-time.Minute) })
		w.after(time.Minute)
		w.want(2, "bounds 0->2 applied") // a check that never passed may ask for what is not there
		checks(service.Passing, service.Passing)
		w.after(5 * time.Second)
		checks(service.Passing, service.Critical)
		w.after(7 * time.Second)
		w.want(2, "bounds 0->2 applied") // it may come back
		w.after(10 * time.Second)
		w.want(3, "bounds 0->2 applied", "load 2->3 applied")
	})
}
