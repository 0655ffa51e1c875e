package service_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

func TestEveryDurationIsInABinNoWiderThanPromised(t *testing.T) {
	last := -1
	check := func(d time.Duration) {
		i := service.BinOf(d)
		low, high := service.BinRange(i)
		if d < low || d >= high && high != math.MaxInt64 || i < 0 || i >= service.Bins {
			t.Fatalf("%d is in bin %d, from %d to %d", d, i, low, high)
		}
		if off := float64(high-low) / 2; off > 0.5 && off > 0.0079*float64(d) {
			t.Fatalf("%d is in bin %d, from %d to %d: too wide", d, i, low, high)
		}
	}
	for d := range time.Duration(100_000) {
		check(d)
		i := service.BinOf(d)
		if i != last && i != last+1 {
			t.Fatalf("bin %d after %d", i, last)
		}
		last = i
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		check(time.Duration(r.Int64() >> r.IntN(63)))
	}
	check(math.MaxInt64)
	check(-5 + 5)
	if service.BinOf(-time.Second) != 0 {
		t.Error("a negative duration is not in the first bin")
	}
}

func TestQuantilesAreExactToOnePercentAndMergingLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var whole, a, b service.Histogram
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(math.Exp(r.NormFloat64()*2+15)) * time.Nanosecond
		all = append(all, d)
		whole.Add(d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d)
		}
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
		got := whole.Quantile(q)
		if off := math.Abs(float64(got-want)) / float64(want); off > 0.01 {
			t.Errorf("quantile %v is %s, want %s", q, got, want)
		}
	}
	if diff := cmp.Diff(whole, a.Merge(b)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(a.Merge(nil), a); diff != "" || service.Histogram(nil).Quantile(0.5) != 0 {
		t.Errorf("with nothing: %s", diff)
	}
	data, err := whole.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back service.Histogram
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, back); diff != "" {
		t.Errorf("stored and read (-want +got):\n%s", diff)
	}
	if len(data) > 4*len(whole) {
		t.Errorf("%d bytes for %d bins", len(data), len(whole))
	}
}

func TestCallersAreCountedExactlyAsLongAsTheyAreFew(t *testing.T) {
	for _, n := range []int{0, 1, 7, 255, 1000, 100_000} {
		var all, even, odd service.Callers
		for i := range n {
			hash := service.HashCaller(fmt.Sprint("user", i))
			all.Add(hash)
			all.Add(hash)
			if i%2 == 0 {
				even.Add(hash)
			} else {
				odd.Add(hash)
			}
			if i%5 == 0 {
				odd.Add(hash) // known to both
			}
		}
		got := all.Count()
		if n < 256 && got != int64(n) || math.Abs(float64(got)-float64(n)) > 0.2*float64(n) {
			t.Errorf("%d callers were counted as %d", n, got)
		}
		if diff := cmp.Diff([]uint64(all), []uint64(even.Merge(odd))); diff != "" {
			t.Errorf("%d: merged (-want +got):\n%s", n, diff)
		}
		data, _ := all.MarshalBinary()
		var back service.Callers
		if err := back.UnmarshalBinary(data); err != nil || !slices.Equal(all, back) {
			t.Errorf("%d: stored and read: %v", n, err)
		}
	}
}

func TestWhatIsStoredIsCheckedWhenItIsRead(t *testing.T) {
	var h service.Histogram
	for _, data := range [][]byte{{0x80}, {1}, {1, 0x80}, {0xff, 0xff, 0x7f, 1}, {1, 1, 0, 1}} {
		if err := h.UnmarshalBinary(data); !errors.Is(err, service.ErrInvalid) {
			t.Errorf("%v as a histogram: %v", data, err)
		}
	}
	var c service.Callers
	for _, data := range [][]byte{{1}, make([]byte, 8*257), {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}} {
		if err := c.UnmarshalBinary(data); !errors.Is(err, service.ErrInvalid) {
			t.Errorf("%v as callers: %v", data, err)
		}
	}
}

func TestSamplesAddUp(t *testing.T) {
	one := func(n int64, took time.Duration, who string) service.Sample {
		s := service.Sample{
			Calls: n, Errors: n, ColdStarts: 1, Starts: service.Starts{Count: 1, Place: 1, Start: 2, Ready: 3},
			InFlightPeak: int(n), QueuePeak: int(9 - n), Busy: 4, Waited: 5, Latency: took, LatencyMax: took,
			BytesIn: 6, BytesOut: 7,
		}
		s.Failed[service.EndedLate] = n
		s.Latencies.Add(took)
		s.Callers.Add(service.HashCaller(who))
		return s
	}
	a, b := one(2, time.Second, "ada"), one(5, 3*time.Second, "grace")
	a.Add(&b)
	want := service.Sample{
		Calls: 7, Errors: 7, ColdStarts: 2, Starts: service.Starts{Count: 2, Place: 2, Start: 4, Ready: 6},
		InFlightPeak: 5, QueuePeak: 7, Busy: 8, Waited: 10, Latency: 4 * time.Second, LatencyMax: 3 * time.Second,
		BytesIn: 12, BytesOut: 14,
	}
	want.Failed[service.EndedLate] = 7
	want.Latencies.Add(time.Second)
	want.Latencies.Add(3 * time.Second)
	want.Callers.Add(service.HashCaller("ada"))
	want.Callers.Add(service.HashCaller("grace"))
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back service.Sample
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, back); diff != "" {
		t.Errorf("%s\nread again (-want +got):\n%s", text, diff)
	}
}
