package scheduler_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestWake(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		for range 3 {
			if err := w.engine.Wake(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		w.want(1, "wake 0->1 applied")
		if err := w.engine.Wake(t.Context(), "dyn-nobody"); !errors.Is(err, service.ErrNotFound) {
			t.Errorf("of a service that is not registered: %v", err)
		}
	})
}

func TestWakeStartsTheMinimum(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 3
		w.cluster.silence(true) // so that no tick comes before
		w.open(v, scheduler.Options{})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(3, "wake 0->3 applied")
	})
}

func TestWakeOfAHerdIsOneStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.cluster.slow(10 * time.Millisecond)
		w.open(version(0), scheduler.Options{})
		errs := make(chan error, 50)
		for range cap(errs) {
			go func() { errs <- w.engine.Wake(t.Context(), a) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeMakesTheJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.cluster = newCluster()
		w.open(version(0), scheduler.Options{Ensure: func(_ context.Context, id service.ID) error {
			w.cluster.put(id, 0)
			return nil
		}})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeDecidesAnewAfterAConflict(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 0) // registered anew, and no tick has seen it
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 not applied", "wake 0->1 applied")
	})
}

func TestWakeLeavesACountThatIsThere(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 2)
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(2, "wake 0->1 not applied")
		w.after(3 * time.Second)
		w.want(2, "wake 0->1 not applied", "adopted 0->2 applied")
	})
}

func TestWakeWaitsForADeployment(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.fail(service.ErrDeploying, service.ErrDeploying, service.ErrDeploying)
		began := time.Now()
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(began), 1750*time.Millisecond; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeEndsWithItsCaller(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.fail(slices.Repeat([]error{service.ErrDeploying}, 100)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.engine.Wake(ctx, a); !errors.Is(err, service.ErrDeploying) {
			t.Errorf("err = %v, want that of the deployment", err)
		}
		w.want(0, "wake 0->1 not applied")
	})
}

func TestWakesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		db := openStore(t, n)
		c := newCluster()
		c.slow(10 * time.Millisecond)
		e := scheduler.New(db, c, newGate(), hclog.NewNullLogger(), scheduler.Options{ColdStarts: 4})
		errs := make(chan error, n)
		for i := range n {
			v := version(i)
			c.put(v.ID, 0)
			e.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
			go func() { errs <- e.Wake(t.Context(), v.ID) }()
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if c.most != 4 {
			t.Errorf("%d requests at once, want 4", c.most)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
