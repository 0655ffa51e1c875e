package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Ten seconds are a round: who was there, what Consul said and what was used is
// stored, and what nobody could measure is not zero.
func TestInstancesAreSampled(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.IdleAfter.Duration = time.Hour
		measure := func(_ context.Context, alloc string) (service.Use, error) {
			if alloc == "silent" {
				return service.Use{}, errors.New("its node does not answer")
			}
			return service.Use{CPU: 200, Memory: 64 << 20}, nil
		}
		began := time.Now()
		w.open(v, scheduler.Options{Measure: measure})
		w.used()
		w.cluster.change(a, func(st *service.State) {
			st.Endpoints = []service.Endpoint{
				{Alloc: "one", Running: true, Check: service.Passing, Placed: began},
				{Alloc: "silent", Running: true, Check: service.Critical, Placed: began},
				{Alloc: "placed", Placed: began.Add(55 * time.Second)},
			}
		})
		w.after(61 * time.Second)
		got, err := w.db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{a}, Since: began.Add(-time.Minute), Until: time.Now(), Allocs: true})
		if err != nil {
			t.Fatal(err)
		}
		type seen struct{ Time, Passing, Critical, Measured time.Duration }
		said := map[string]seen{}
		for _, v := range got {
			said[v.Alloc] = seen{v.Time, v.Passing, v.Critical, v.Measured}
		}
		want := map[string]seen{
			"one":    {Time: time.Minute, Passing: time.Minute, Measured: time.Minute},
			"silent": {Time: time.Minute, Critical: time.Minute},
			"placed": {Time: 5 * time.Second},
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("what was seen (-want +got):\n%s", diff)
		}
	})
}

// A new agent knows from the store what instances use, and decides on it before
// it has measured for itself.
func TestUseOutlastsARestart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Resources.CPU, v.Scale.Target, v.Scale.IdleAfter.Duration = 1000, service.Target{CPUPercent: 50}, time.Hour
		use := func(context.Context, string) (service.Use, error) {
			return service.Use{CPU: 450, Memory: 100 << 20}, nil
		}
		w.open(v, scheduler.Options{Measure: use})
		w.used()
		w.cluster.change(a, func(st *service.State) { st.Endpoints[0] = service.Endpoint{Alloc: "one", Running: true} })
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 1, time.Now().Add(-time.Minute) })
		w.after(35 * time.Second)
		w.end()
		w.open(v, scheduler.Options{Measure: func(context.Context, string) (service.Use, error) { return service.Use{}, errors.New("not yet") }})
		w.after(time.Second)
		x, err := w.engine.Effective(a)
		if err != nil {
			t.Fatal(err)
		}
		if x.Now.Inputs["cpu_mhz"] != 450 || x.Now.Inputs["memory_mib"] != 100 {
			t.Errorf("the inputs after a restart: %v (%s)", x.Now.Inputs, x.Now.Reason)
		}
	})
}

// Where there are more instances than one round may ask, each has its turn.
func TestManyInstancesAreMeasuredInTurns(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.IdleAfter.Duration, v.Scale.Max = time.Hour, 1000
		asked := make(chan string, 10_000)
		w.open(v, scheduler.Options{Measure: func(_ context.Context, alloc string) (service.Use, error) {
			asked <- alloc
			return service.Use{CPU: 1}, nil
		}})
		w.used()
		const many = 450
		w.cluster.change(a, func(st *service.State) {
			st.Endpoints = nil
			for i := range many {
				st.Endpoints = append(st.Endpoints, service.Endpoint{Alloc: time.Duration(i).String(), Running: true})
			}
		})
		for round, want := range []int{200, 400, 450} {
			w.after(10 * time.Second)
			if n := len(asked); n != 200*(round+1) {
				t.Errorf("%d were asked after %d rounds", n, round+1)
			}
			of := map[string]bool{}
			for range len(asked) {
				alloc := <-asked
				of[alloc] = true
				asked <- alloc
			}
			if len(of) != want {
				t.Errorf("after %d rounds %d instances were measured, want %d", round+1, len(of), want)
			}
		}
	})
}
