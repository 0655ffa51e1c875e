package scheduler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestStopAndStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.gate.call(a, true, false) // a call that does not end has its grace
		began := time.Now()
		if err := w.engine.Stop(t.Context(), a, "ada"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %s, want the stop grace", took)
		}
		w.want(0, "wake 0->1 applied", "admin 1->0 applied")
		if !w.gate.isStopped(a) {
			t.Error("the gate does not know")
		}
		err := w.engine.Wake(t.Context(), a)
		if !errors.Is(err, service.ErrUnavailable) || !strings.Contains(err.Error(), "stopped by ada") {
			t.Errorf("wake of a stopped service: %v", err)
		}
		w.cluster.put(a, 2) // somebody who does not know
		w.gate.call(a, false, false)
		w.after(3 * time.Second)
		w.want(0, "wake 0->1 applied", "admin 1->0 applied", "adopted 0->2 applied", "admin 2->0 applied")

		if err := w.engine.Start(t.Context(), a, "grace"); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied", "admin 1->0 applied", "adopted 0->2 applied", "admin 2->0 applied", "admin 0->1 applied")
		if w.gate.isStopped(a) {
			t.Error("the gate still refuses")
		}
	})
}

func TestStopIsRemembered(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		if err := w.engine.Stop(t.Context(), a, "ada"); err != nil {
			t.Fatal(err)
		}
		w.end()
		w.gate = newGate()
		w.open(version(0), scheduler.Options{})
		if !w.gate.isStopped(a) {
			t.Error("the gate was not told")
		}
		if err := w.engine.Wake(t.Context(), a); !errors.Is(err, service.ErrUnavailable) {
			t.Errorf("wake of a stopped service: %v", err)
		}
		w.want(0)
	})
}

func TestScale(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 2
		w.open(v, scheduler.Options{})
		for _, n := range []int{-1, 1, 11} {
			err := w.engine.Scale(t.Context(), a, n, "ada")
			if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "0, or 2 to 10") {
				t.Errorf("scale to %d: %v", n, err)
			}
		}
		if err := w.engine.Scale(t.Context(), a, 5, "ada"); err != nil {
			t.Fatal(err)
		}
		w.after(9 * time.Minute)
		w.want(5, "bounds 0->2 applied", "admin 2->5 applied")
		w.after(10 * time.Minute)
		if got := w.cluster.count(a); got != 2 {
			t.Errorf("count after the hold = %d, want min 2", got)
		}
		if err := w.engine.Scale(t.Context(), a, 0, "ada"); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute)
		if got := w.cluster.count(a); got != 0 {
			t.Errorf("count = %d, want the 0 that is held", got)
		}
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.after(time.Second)
		if got := w.cluster.count(a); got != 2 {
			t.Errorf("count after a call = %d, want 2", got)
		}
		holds, err := w.db.Holds(t.Context(), time.Now())
		if err != nil || len(holds) != 0 {
			t.Errorf("holds after a call: %v, %v", holds, err)
		}
	})
}

func TestScaleDoesNotCutCalls(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		if err := w.engine.Scale(t.Context(), a, 3, "ada"); err != nil {
			t.Fatal(err)
		}
		w.gate.call(a, true, false)
		if err := w.engine.Scale(t.Context(), a, 1, "ada"); !errors.Is(err, service.ErrConflict) {
			t.Errorf("scale under calls that do not end: %v", err)
		}
		w.want(3, "admin 0->3 applied", "admin 3->1 not applied")
		if _, closed := w.gate.isClosed(a); closed {
			t.Error("the gate was not opened again")
		}
	})
}

func TestHoldIsRemembered(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		if err := w.engine.Scale(t.Context(), a, 3, "ada"); err != nil {
			t.Fatal(err)
		}
		w.end()
		w.open(version(0), scheduler.Options{})
		w.after(9 * time.Minute)
		w.want(3, "admin 0->3 applied")
		w.after(2 * time.Minute)
		w.want(0, "admin 0->3 applied", "idle 3->0 applied")
	})
}

func TestRestart(t *testing.T) {
	unsaid := func(w *world, to int) {
		d := service.Decision{Service: a, To: to, Kind: service.KindWake, Reason: "a call came"}
		if _, err := w.db.AddDecision(w.t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name      string
		before    func(w *world)
		count     int
		decisions []string
	}{
		{
			"nothing happened meanwhile",
			func(w *world) { w.open(version(0), scheduler.Options{}); w.used(); w.end() },
			1, []string{"wake 0->1 applied"},
		},
		{
			"somebody changed it meanwhile",
			func(w *world) { w.open(version(0), scheduler.Options{}); w.used(); w.end(); w.cluster.put(a, 4) },
			4, []string{"wake 0->1 applied", "adopted 1->4 applied"},
		},
		{
			"the cluster forgot it meanwhile",
			func(w *world) { w.open(version(0), scheduler.Options{}); w.used(); w.end(); w.cluster.put(a, 0) },
			0, []string{"wake 0->1 applied", "adopted 1->0 applied"},
		},
		{
			"the agent ended before the answer",
			func(w *world) { unsaid(w, 1); w.cluster.put(a, 1) },
			1, []string{"wake 0->1 applied"},
		},
		{
			"the agent ended before the question",
			func(w *world) { unsaid(w, 1) },
			0, []string{"wake 0->1 not applied"},
		},
		{
			"instances of which nothing is known",
			func(w *world) { w.cluster.put(a, 1) },
			1, []string{"adopted 0->1 applied"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				tt.before(w)
				w.gate = newGate()
				w.open(version(0), scheduler.Options{})
				w.want(tt.count, tt.decisions...)
				w.after(50 * time.Second) // the idle clock starts anew
				w.want(tt.count, tt.decisions...)
				w.after(20 * time.Minute) // nothing is left running for ever
				if got := w.cluster.count(a); got != 0 {
					t.Errorf("count in the end = %d, want 0", got)
				}
			})
		})
	}
}

func TestRestartWhereCountsAreVolatile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{Volatile: true})
		w.used()
		w.end()
		w.cluster.put(a, 0) // its children ended with it
		w.gate = newGate()
		w.open(version(0), scheduler.Options{Volatile: true})
		w.want(0, "wake 0->1 applied")
	})
}

func TestPublishReplaces(t *testing.T) {
	db := openStore(t, 2)
	t.Cleanup(func() { _ = db.Close() }) // the folder goes with it
	e := scheduler.New(db, newCluster(a), newGate(), hclog.NewNullLogger(), scheduler.Options{})
	v := version(0)
	e.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
	if err := e.Scale(t.Context(), a, 2, "ada"); err != nil {
		t.Fatal(err)
	}
	e.Publish(service.Module{Name: v.Module})
	if err := e.Scale(t.Context(), a, 3, "ada"); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("scale of what was withdrawn: %v", err)
	}
}
