package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func sample(id service.ID, method string, start time.Time, calls int64) service.Sample {
	return service.Sample{
		Service: id, Method: method, Start: start, Width: service.Duration{Duration: 5 * time.Second},
		Calls: calls, Errors: 1, ColdStarts: 1, InFlightPeak: int(calls), QueuePeak: 2,
		Busy: 3 * time.Second, Latency: 4 * time.Second, LatencyMax: time.Duration(calls) * time.Millisecond,
		Failed: service.Endings{service.EndedLate: 1}, Starts: service.Starts{Count: 1, Place: time.Second, Ready: time.Millisecond},
		Waited: time.Second, BytesIn: 100, BytesOut: 1 << 40,
		Latencies: service.Histogram{{Index: 900, Count: uint64(calls)}}, Callers: service.Callers{service.HashCaller("ada")},
	}
}

func TestSamples(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("B", "1.0.0", 2)).ID
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * 5 * time.Second) }
	check(t, db.AddSamples(t.Context(), nil), nil)
	check(t, db.AddSamples(t.Context(), []service.Sample{
		sample(b, "f", at(0), 7), sample(a, "g", at(0), 1), sample(a, "f", at(0), 10), sample(a, "", at(1), 5),
		sample("dyn-stranger", "f", at(0), 3),
	}), nil)
	// A second gateway, or the rest of the bucket.
	check(t, db.AddSamples(t.Context(), []service.Sample{sample(a, "f", at(0), 4), sample(a, "f", at(2), 2)}), nil)

	sum, rest := sample(a, "f", at(0), 10), sample(a, "f", at(0), 4)
	sum.Add(&rest)
	g, raw, later, other := sample(a, "g", at(0), 1), sample(a, "", at(1), 5), sample(a, "f", at(2), 2), sample(b, "f", at(0), 7)

	tests := []struct {
		name         string
		id           service.ID
		since, until time.Time
		want         []service.Sample
	}{
		{"all", a, at(0), time.Time{}, []service.Sample{sum, g, raw, later}},
		{"from", a, at(1), time.Time{}, []service.Sample{raw, later}},
		{"until", a, at(0), at(2), []service.Sample{sum, g, raw}},
		{"another service", b, at(0), time.Time{}, []service.Sample{other}},
		{"none", a, at(3), time.Time{}, []service.Sample{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := db.Samples(t.Context(), tt.id, tt.since, tt.until)
			check(t, err, nil)
			equal(t, got, tt.want)
		})
	}
	recent, err := db.RecentSamples(t.Context(), at(1))
	check(t, err, nil)
	equal(t, recent, []service.Sample{raw, later})
	recent, err = db.RecentSamples(t.Context(), at(0))
	check(t, err, nil)
	equal(t, recent, []service.Sample{sum, g, other, raw, later})
	_, err = db.Samples(t.Context(), "dyn-none", at(0), time.Time{})
	check(t, err, service.ErrNotFound)
}

func TestAddSamplesIsAllOrNothing(t *testing.T) {
	db := open(t)
	a := save(t, db, version("A", "1.0.0", 1)).ID
	check(t, db.AddSamples(t.Context(), []service.Sample{sample(a, "f", epoch, 1), sample(a, "f", time.Time{}, 1)}), service.ErrInvalid)
	got, err := db.RecentSamples(t.Context(), time.Time{})
	check(t, err, nil)
	equal(t, got, []service.Sample{})
}

// Each batch is what 1,000 services with ten methods leave in one flush; the
// table grows all the while.
func BenchmarkAddSamples(b *testing.B) {
	db := open(b)
	ids := fill(b, db, 1000)
	batch := make([]service.Sample, 0, 10_000)
	one := sample(ids[0], "", epoch, 7)
	one.Latencies, one.Callers = nil, nil
	for i := range time.Duration(7) {
		one.Latencies.Add(i * i * time.Millisecond)
		one.Callers.Add(service.HashCaller(i.String()))
	}
	for _, id := range ids {
		for m := range 10 {
			one.Service, one.Method = id, fmt.Sprint("method_", m)
			batch = append(batch, one)
		}
	}
	start := epoch
	for b.Loop() {
		start = start.Add(5 * time.Second)
		for i := range batch {
			batch[i].Start = start
		}
		if err := db.AddSamples(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(batch)*b.N)/b.Elapsed().Seconds(), "samples/s")
}

// A day of one busy service among 200, in buckets of 5 s.
func BenchmarkSamples(b *testing.B) {
	db := open(b)
	ids := fill(b, db, 200)
	const buckets = 24 * 720
	var batch []service.Sample
	for i := range buckets {
		for _, id := range ids {
			batch = append(batch, sample(id, "f", epoch.Add(time.Duration(i)*5*time.Second), 7))
		}
		if len(batch) < 100_000 && i < buckets-1 {
			continue
		}
		if err := db.AddSamples(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	b.Run("day of one service", func(b *testing.B) {
		for b.Loop() {
			got, err := db.Samples(b.Context(), ids[7], epoch, time.Time{})
			if err != nil || len(got) != buckets {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("last minute of all services", func(b *testing.B) {
		for b.Loop() {
			got, err := db.RecentSamples(b.Context(), epoch.Add(23*time.Hour+59*time.Minute))
			if err != nil || len(got) != 12*len(ids) {
				b.Fatal(len(got), err)
			}
		}
	})
}
