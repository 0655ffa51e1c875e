package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const narrow = 10 * time.Second

// vitals is what was seen of an instance in ten seconds.
func vitals(id service.ID, alloc string, start time.Time, use service.Use, check service.Check) service.Vitals {
	v := service.Vitals{Service: id, Alloc: alloc, Start: start, Width: narrow, Time: narrow}
	v.Saw(use, narrow)
	switch check {
	case service.Passing:
		v.Passing = narrow
	case service.Critical:
		v.Critical = narrow
	}
	return v
}

func TestVitals(t *testing.T) {
	db := open(t)
	a, b := version("A", "1.0.0", 1), version("B", "1.0.0", 2)
	save(t, db, a)
	save(t, db, b)
	start := epoch.Truncate(time.Hour)
	r := rand.New(rand.NewPCG(1, 2))
	var all, ofA service.Vitals
	for i := range 720 { // two hours
		at := start.Add(time.Duration(i) * narrow)
		var batch []service.Vitals
		for n := range 1 + i%3 {
			use := service.Use{CPU: float64(r.IntN(900)), Memory: r.Int64N(1 << 30)}
			batch = append(batch, vitals(a.ID, fmt.Sprint("a", n), at, use, []service.Check{service.Passing, service.Critical, service.Unknown}[i%3]))
			ofA.Add(&batch[len(batch)-1])
		}
		batch = append(batch, vitals(b.ID, "b", at, service.Use{CPU: 100, Memory: 1 << 20}, service.Passing))
		batch = append(batch, vitals("dyn-not-ours-00000000", "x", at, service.Use{}, service.Unknown))
		check(t, db.AddVitals(t.Context(), batch), nil)
		for i := range batch[:len(batch)-1] {
			all.Add(&batch[i])
		}
	}
	for _, step := range []time.Duration{narrow, time.Minute, 5 * time.Minute, time.Hour, 0} {
		got, err := db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{b.ID, a.ID}, Since: start, Until: start.Add(2 * time.Hour), Step: step})
		check(t, err, nil)
		var sum, sumA service.Vitals
		for i := range got {
			sum.Add(&got[i])
			if got[i].Service == a.ID {
				sumA.Add(&got[i])
			}
			if i > 0 && got[i].Start.Before(got[i-1].Start) {
				t.Fatalf("step %s: not in order of time", step)
			}
		}
		equal(t, sum, all)
		equal(t, sumA, ofA)
		want := 2
		if step > 0 {
			want = 2 * int(2*time.Hour/step)
		}
		equal(t, len(got), want)
		equal(t, got[0].Service, b.ID) // as asked for
	}
	got, err := db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{a.ID}, Since: start, Until: start.Add(time.Minute), Allocs: true})
	check(t, err, nil)
	equal(t, len(got), 3)
	equal(t, got[2].Alloc, "a2")
	equal(t, got[2].Time, 2*narrow) // of six buckets the third and the sixth had three instances

	// A bucket that comes in two parts, from two leaders, say, is one.
	check(t, db.AddVitals(t.Context(), []service.Vitals{vitals(b.ID, "b", start, service.Use{CPU: 300}, service.Passing)}), nil)
	got, err = db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{b.ID}, Since: start, Until: start.Add(narrow)})
	check(t, err, nil)
	mean, ok := got[0].Mean()
	equal(t, ok, true)
	equal(t, mean.CPU, 200.0)
	equal(t, got[0].CPUMax, int64(300))
}

// The narrow buckets go first; the wide ones have their sums from the beginning.
func TestVitalsArePruned(t *testing.T) {
	db := open(t)
	a := version("A", "1.0.0", 1)
	save(t, db, a)
	start := epoch.Truncate(time.Hour)
	check(t, db.AddVitals(t.Context(), []service.Vitals{vitals(a.ID, "x", start, service.Use{CPU: 5}, service.Passing)}), nil)
	keep := store.Retention{Samples: time.Hour, Minutes: 24 * time.Hour, Hours: 48 * time.Hour}
	for _, tt := range []struct {
		age     time.Duration
		deleted int64
		step    time.Duration // of the narrowest that is left
	}{{30 * time.Minute, 0, narrow}, {2 * time.Hour, 1, time.Minute}, {25 * time.Hour, 1, time.Hour}, {50 * time.Hour, 1, 0}} {
		n, err := db.Prune(t.Context(), start.Add(tt.age), keep)
		check(t, err, nil)
		equal(t, n, tt.deleted)
		for _, step := range []time.Duration{narrow, time.Minute, time.Hour} {
			got, err := db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{a.ID}, Since: start, Until: start.Add(time.Hour), Step: step})
			check(t, err, nil)
			equal(t, len(got) == 1, tt.step > 0 && step >= tt.step)
		}
	}
}

func TestNobodyMeasuredIsNotZero(t *testing.T) {
	v := service.Vitals{Time: time.Minute}
	if use, ok := v.Mean(); ok {
		t.Errorf("the mean of nothing is %+v", use)
	}
}

// A thousand instances, every ten seconds.
func BenchmarkAddVitals(b *testing.B) {
	db := open(b)
	var batch []service.Vitals
	for i := range 200 {
		v := version(fmt.Sprint("M", i), "1.0.0", i+1)
		save(b, db, v)
		for n := range 5 {
			batch = append(batch, vitals(v.ID, fmt.Sprint(n), epoch, service.Use{CPU: 5, Memory: 1 << 20}, service.Passing))
		}
	}
	for b.Loop() {
		for i := range batch {
			batch[i].Start = batch[i].Start.Add(narrow)
		}
		check(b, db.AddVitals(b.Context(), batch), nil)
	}
	b.ReportMetric(float64(len(batch)*b.N)/b.Elapsed().Seconds(), "samples/s")
}
