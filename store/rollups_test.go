package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// random is some usage in a bucket of five seconds.
func random(r *rand.Rand, id service.ID, method string, start time.Time) service.Sample {
	s := sample(id, method, start, r.Int64N(50))
	s.Latencies, s.Callers = nil, nil
	for range s.Calls {
		took := time.Duration(r.ExpFloat64() * float64(80*time.Millisecond))
		s.Latencies.Add(took)
		s.Latency += took
		s.LatencyMax = max(s.LatencyMax, took)
		s.Callers.Add(service.HashCaller(fmt.Sprint("caller ", r.IntN(30))))
	}
	s.Failed[r.IntN(len(s.Failed))]++
	s.QueuePeak = r.IntN(9)
	return s
}

// total adds up samples whatever their bucket, service and method.
func total(samples []service.Sample) service.Sample {
	var sum service.Sample
	for i := range samples {
		sum.Add(&samples[i])
	}
	return sum
}

// history is some hours of two services, of which one was idle in between.
func history(r *rand.Rand, a, b service.ID, hours int) []service.Sample {
	var all []service.Sample
	for at := range hours * 720 {
		start := epoch.Add(time.Duration(at) * 5 * time.Second)
		if r.IntN(3) == 0 {
			all = append(all, random(r, a, "f", start))
		}
		if at%7 == 0 {
			all = append(all, random(r, a, "", start))
		}
		if at < 500 || at > 2000 {
			all = append(all, random(r, b, "g", start))
		}
	}
	return all
}

func TestUsageIsTheSumOfItsSamples(t *testing.T) {
	db := open(t)
	r := rand.New(rand.NewPCG(3, 4))
	a, b := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("B", "1.0.0", 2)).ID
	const hours = 3
	all := history(r, a, b, hours)
	end := epoch.Add(hours * time.Hour)

	// Written as gateways do, rolled up as an agent does; a tenth comes late.
	late := []service.Sample{}
	for minute := range hours * 60 {
		from := epoch.Add(time.Duration(minute) * time.Minute)
		var batch []service.Sample
		for _, s := range all {
			if s.Start.Before(from) || !s.Start.Before(from.Add(time.Minute)) {
				continue
			}
			if r.IntN(10) == 0 {
				late = append(late, s)
				continue
			}
			batch = append(batch, s)
		}
		check(t, db.AddSamples(t.Context(), batch), nil)
		check(t, db.RollUp(t.Context(), from.Add(time.Minute)), nil)
	}
	check(t, db.AddSamples(t.Context(), late), nil)

	for _, step := range []time.Duration{0, 10 * time.Second, time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour} {
		for _, methods := range []bool{true, false} {
			q := store.UsageQuery{Services: []service.ID{b, a}, Since: epoch, Until: end, Step: step, Methods: methods}
			got, err := db.Usage(t.Context(), q)
			check(t, err, nil)
			if diff := cmp.Diff(added(all, q), got); diff != "" {
				t.Fatalf("step %s, methods %v (-want +got):\n%s", step, methods, diff)
			}
		}
	}

	// A part of the time, which is on both sides of what is rolled up.
	q := store.UsageQuery{Services: []service.ID{a}, Since: end.Add(-100 * time.Minute), Until: end, Step: time.Minute}
	got, err := db.Usage(t.Context(), q)
	check(t, err, nil)
	var part []service.Sample
	for _, s := range all {
		if !s.Start.Before(q.Since) {
			part = append(part, s)
		}
	}
	equal(t, got, added(part, q))

	// What is deleted has left its sum behind.
	n, err := db.Prune(t.Context(), end, store.Retention{Samples: 30 * time.Minute, Minutes: time.Hour, Hours: 24 * time.Hour})
	check(t, err, nil)
	if n < int64(len(all)/2) {
		t.Errorf("deleted %d of %d samples", n, len(all))
	}
	for _, step := range []time.Duration{0, 10 * time.Second, time.Minute, time.Hour} {
		got, err := db.Usage(t.Context(), store.UsageQuery{Services: []service.ID{a, b}, Since: epoch, Until: end, Step: step})
		check(t, err, nil)
		equal(t, total(got), total(all))
	}
	n, err = db.Prune(t.Context(), end, store.Retention{Samples: 30 * time.Minute, Minutes: time.Hour, Hours: 24 * time.Hour})
	check(t, err, nil)
	if n != 0 {
		t.Errorf("deleted %d more, want none", n)
	}
}

// added is what a query is to answer, from the samples themselves.
func added(all []service.Sample, q store.UsageQuery) []service.Sample {
	type key struct {
		start  time.Time
		at     int
		method string
	}
	sums := map[key]service.Sample{}
	for _, s := range all {
		if !slices.Contains(q.Services, s.Service) {
			continue
		}
		k := key{start: q.Since, at: slices.Index(q.Services, s.Service)}
		width := q.Until.Sub(q.Since)
		if q.Step > 0 {
			k.start, width = s.Start.Truncate(q.Step), q.Step
		}
		if q.Methods {
			k.method = s.Method
		}
		sum, ok := sums[k]
		if !ok {
			sum = service.Sample{Service: s.Service, Method: k.method, Start: k.start, Width: service.Duration{Duration: width}}
		}
		sum.Add(&s)
		sums[k] = sum
	}
	list := []service.Sample{}
	for _, s := range sums {
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y service.Sample) int {
		if c := x.Start.Compare(y.Start); c != 0 {
			return c
		}
		if c := slices.Index(q.Services, x.Service) - slices.Index(q.Services, y.Service); c != 0 {
			return c
		}
		return strings.Compare(x.Method, y.Method)
	})
	return list
}

func TestPruneKeepsWhatIsNotRolledUp(t *testing.T) {
	db := open(t)
	a := save(t, db, version("A", "1.0.0", 1)).ID
	var batch []service.Sample
	// More than two transactions' worth.
	for i := range 3000 {
		start := epoch.Add(time.Duration(i) * 5 * time.Second)
		for m := range 4 {
			batch = append(batch, sample(a, fmt.Sprint("f", m), start, 1))
		}
	}
	check(t, db.AddSamples(t.Context(), batch), nil)
	now := epoch.Add(24 * time.Hour)
	n, err := db.Prune(t.Context(), now, store.Retention{})
	check(t, err, nil)
	if n != 0 {
		t.Errorf("deleted %d samples that were not rolled up", n)
	}
	check(t, db.RollUp(t.Context(), now), nil)
	n, err = db.Prune(t.Context(), now, store.Retention{Minutes: 365 * 24 * time.Hour, Hours: 365 * 24 * time.Hour})
	check(t, err, nil)
	if n != 3000*4 {
		t.Errorf("deleted %d samples, want %d", n, 3000*4)
	}
	left, err := db.RecentSamples(t.Context(), epoch)
	check(t, err, nil)
	equal(t, left, []service.Sample{})
	got, err := db.Usage(t.Context(), store.UsageQuery{Services: []service.ID{a}, Since: epoch, Until: now})
	check(t, err, nil)
	equal(t, total(got), total(batch))
}

// A year of hours is one range of the key, and so is a week of minutes.
func TestUsageQueryPlans(t *testing.T) {
	db := open(t)
	_, reader := db.Handles()
	for table, query := range map[string]string{"samples_minute": store.MinutesQuery, "samples_hour": store.HoursQuery} {
		rows, err := reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, 2, 3)
		check(t, err, nil)
		defer func() { check(t, rows.Close(), nil) }()
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			check(t, rows.Scan(&id, &parent, &unused, &detail), nil)
			plan = append(plan, detail)
		}
		check(t, rows.Err(), nil)
		want := "SEARCH s USING PRIMARY KEY (version=? AND start_ms>? AND start_ms<?)"
		if !slices.Contains(plan, want) || strings.Contains(strings.Join(plan, " "), "TEMP B-TREE") {
			t.Errorf("%s is read as %q, want %q and no sorting", table, plan, want)
		}
	}
}

// A year of hours of 1,000 services, and the questions that people ask of it.
func BenchmarkUsage(b *testing.B) {
	if testing.Short() {
		b.Skip("fills a database of hundreds of megabytes")
	}
	db := open(b)
	ids := fill(b, db, 1000)
	const hours = 365 * 24
	hour := random(rand.New(rand.NewPCG(1, 2)), ids[0], "f", epoch) // some tens of bins
	check(b, db.FillHours(b.Context(), ids, hours, hour), nil)
	end := epoch.Add(hours * time.Hour)
	for name, q := range map[string]store.UsageQuery{
		"year by hours":  {Services: ids[500:501], Since: epoch, Until: end, Step: time.Hour},
		"year by days":   {Services: ids[500:501], Since: epoch, Until: end, Step: 24 * time.Hour},
		"year as a sum":  {Services: ids[500:501], Since: epoch, Until: end, Methods: true},
		"month by hours": {Services: ids[500:501], Since: end.Add(-30 * 24 * time.Hour), Until: end, Step: time.Hour},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				got, err := db.Usage(b.Context(), q)
				if err != nil || len(got) == 0 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}
