package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// warm is a service that has run and been watched for an hour.
func warm(count int) scheduler.View {
	return scheduler.View{
		ID: "dyn-a", Fresh: true, Phase: service.Ready, Count: count, Ready: count,
		Scale: service.Scale{Max: 10, Concurrency: 10, MaxConcurrency: 50,
			IdleAfter: service.Duration{Duration: 10 * time.Minute}},
		LastBusy: noon, ReadySince: noon.Add(-time.Hour), Raised: noon.Add(-time.Hour), Changed: noon.Add(-time.Hour),
	}
}

// zero is a service without instances.
func zero() scheduler.View {
	v := warm(0)
	v.Phase, v.LastBusy, v.ReadySince = service.Idle, time.Time{}, time.Time{}
	return v
}

func with(v scheduler.View, change func(*scheduler.View)) scheduler.View {
	change(&v)
	return v
}

func decide(v scheduler.View) (service.Decision, bool) {
	ds := scheduler.Decide(scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules(), Services: []scheduler.View{v}})
	if len(ds) == 0 {
		return service.Decision{}, false
	}
	return ds[0], true
}

func TestDecide(t *testing.T) {
	type view = scheduler.View
	idle := func(v *view) { v.LastBusy = noon.Add(-10*time.Minute - 2*time.Second) }
	tests := []struct {
		name   string
		in     view
		want   int // the count that it has afterwards
		kind   service.Kind
		reason string // empty: no decision
	}{
		{name: "idle service stays at zero", in: zero(), want: 0},
		{
			name: "average asks for a second instance",
			in:   with(warm(1), func(v *view) { v.Stable, v.InFlight = 12.4, 9 }),
			want: 2, kind: service.KindLoad, reason: "12.4 calls in flight over 60 s, 7 of 10 an instance: 2 instances",
		},
		{
			name: "calls that are there count at once",
			in:   with(warm(1), func(v *view) { v.InFlight, v.Queued = 10, 25 }),
			want: 4, kind: service.KindLoad, reason: "10 calls in flight and 25 waiting now, 10 an instance: 4 instances",
		},
		{
			name: "a jump is followed by the short window",
			in:   with(warm(1), func(v *view) { v.Stable, v.Panic, v.InFlight = 3, 30, 10 }),
			want: 5, kind: service.KindLoad, reason: "30 calls in flight over 6 s, 7 of 10 an instance: 5 instances",
		},
		{
			name: "a small rise of the short window is none",
			in:   with(warm(2), func(v *view) { v.Stable, v.Panic, v.InFlight = 13, 20, 13 }),
			want: 2,
		},
		{
			name: "max means max",
			in:   with(warm(1), func(v *view) { v.Stable = 500 }),
			want: 10, kind: service.KindLoad, reason: "500 calls in flight over 60 s, 7 of 10 an instance: 72 instances, capped at max 10",
		},
		{
			name: "a queue of a start is not load yet",
			in:   with(warm(1), func(v *view) { v.Ready, v.Queued, v.Phase, v.ReadySince = 0, 200, service.Starting, time.Time{} }),
			want: 1,
		},
		{
			name: "nor is it in the first moments after it",
			in:   with(warm(1), func(v *view) { v.InFlight, v.Queued, v.Panic, v.ReadySince = 50, 150, 40, noon.Add(-time.Second) }),
			want: 1,
		},
		{
			name: "but it is soon",
			in:   with(warm(1), func(v *view) { v.InFlight, v.Queued, v.ReadySince = 50, 15, noon.Add(-2*time.Second) }),
			want: 7, kind: service.KindLoad, reason: "50 calls in flight and 15 waiting now, 10 an instance: 7 instances",
		},
		{
			name: "a lost wake is made good",
			in:   with(zero(), func(v *view) { v.Queued = 3 }),
			want: 1, kind: service.KindWake, reason: "3 calls wait and no instance is there",
		},
		{
			name: "critical instances are replaced",
			in:   with(warm(2), func(v *view) { v.Stable, v.InFlight, v.Ready, v.Sick = 12, 12, 1, 1 }),
			want: 3, kind: service.KindLoad, reason: "12 calls in flight over 60 s, 7 of 10 an instance: 2 instances, and 1 more that Consul calls critical: 3 instances",
		},
		{
			name: "more of what is all critical would not help",
			in:   with(warm(2), func(v *view) { v.Stable, v.InFlight, v.Ready, v.Sick = 12, 12, 0, 2 }),
			want: 2,
		},
		{
			name: "idle to zero",
			in:   with(warm(1), idle),
			want: 0, kind: service.KindIdle, reason: "idle for 10m2s, longer than idle_after 10m0s",
		},
		{
			name: "idle to zero from many at once",
			in:   with(warm(8), idle),
			want: 0, kind: service.KindIdle, reason: "idle for 10m2s, longer than idle_after 10m0s",
		},
		{
			name: "idle to zero though an average remembers calls",
			in: with(warm(3), func(v *view) {
				v.Scale.IdleAfter = service.Duration{Duration: 3 * time.Second}
				v.LastBusy, v.Stable = noon.Add(-3*time.Second), 12
			}),
			want: 0, kind: service.KindIdle, reason: "idle for 3s, longer than idle_after 3s",
		},
		{
			name: "not idle for long enough",
			in:   with(warm(1), func(v *view) { v.LastBusy = noon.Add(-9 * time.Minute) }),
			want: 1,
		},
		{
			name: "a never used instance goes too",
			in:   with(warm(1), func(v *view) { v.LastBusy = time.Time{}; v.ReadySince = noon.Add(-11 * time.Minute) }),
			want: 0, kind: service.KindIdle, reason: "idle for 11m0s, longer than idle_after 10m0s",
		},
		{
			name: "its clock starts when it answers",
			in:   with(warm(1), func(v *view) { v.LastBusy = time.Time{}; v.ReadySince = noon.Add(-time.Minute) }),
			want: 1,
		},
		{
			name: "an open stream is use",
			in:   with(warm(1), func(v *view) { v.LastBusy, v.InFlight = noon.Add(-time.Hour), 1 }),
			want: 1,
		},
		{
			name: "idle_after of the rules where the version says none",
			in:   with(warm(1), func(v *view) { v.Scale.IdleAfter.Duration = 0; idle(v) }),
			want: 0, kind: service.KindIdle, reason: "idle for 10m2s, longer than idle_after 10m0s",
		},
		{
			name: "min keeps warm",
			in:   with(warm(2), func(v *view) { v.Scale.Min = 2; idle(v) }),
			want: 2,
		},
		{
			name: "min starts",
			in:   with(zero(), func(v *view) { v.Scale.Min = 2 }),
			want: 2, kind: service.KindBounds, reason: "min is 2",
		},
		{
			name: "min does not start what just failed",
			in:   with(zero(), func(v *view) { v.Scale.Min = 2; v.RetryAt = noon.Add(time.Second) }),
			want: 0,
		},
		{
			name: "an open window raises the minimum",
			in: with(zero(), func(v *view) {
				v.Floors = []scheduler.Floor{{Name: "office hours", Min: 3, Until: noon.Add(time.Hour)}}
			}),
			want: 3, kind: service.KindBounds, reason: `window "office hours" is open until 2026-03-02T13:00:00Z: min is 3`,
		},
		{
			name: "more than max shrinks to max",
			in:   with(warm(12), func(v *view) { v.Stable, v.InFlight = 80, 80 }),
			want: 10, kind: service.KindBounds, reason: "80 calls in flight over 60 s, 7 of 10 an instance: 12 instances, capped at max 10",
		},
		{
			name: "the way down halves",
			in:   with(warm(8), func(v *view) { v.Stable, v.InFlight, v.Peak = 6, 6, 1 }),
			want: 4, kind: service.KindLoad, reason: "6 calls in flight over 60 s, 7 of 10 an instance: 1 instance, but at most halved at once: 4 instances",
		},
		{
			name: "the way down remembers the peak",
			in:   with(warm(8), func(v *view) { v.Stable, v.InFlight, v.Peak = 6, 6, 6 }),
			want: 6, kind: service.KindLoad, reason: "6 calls in flight over 60 s, 7 of 10 an instance: 1 instance, but load asked for 6 instances at the peak of the last 5m0s: 6 instances",
		},
		{
			name: "the way down waits after a change",
			in:   with(warm(8), func(v *view) { v.Stable, v.InFlight, v.Changed = 6, 6, noon.Add(-59*time.Second) }),
			want: 8,
		},
		{
			name: "nothing shrinks while load jumps",
			in:   with(warm(4), func(v *view) { v.Ready, v.Stable, v.Panic, v.InFlight = 1, 5, 14, 5 }),
			want: 4,
		},
		{
			name: "never below what is in flight",
			in:   with(warm(8), func(v *view) { v.Stable, v.InFlight = 6, 58 }),
			want: 6, kind: service.KindLoad, reason: "58 calls in flight and 0 waiting now, 10 an instance: 6 instances",
		},
		{
			name: "stopped goes to zero whatever happens",
			in: with(warm(3), func(v *view) {
				v.Stopped, v.StoppedBy, v.InFlight, v.Scale.Min = true, "ada", 5, 2
				v.HeldUntil = noon.Add(1)
			}),
			want: 0, kind: service.KindAdmin, reason: "stopped by ada",
		},
		{name: "stopped stays at zero", in: with(zero(), func(v *view) { v.Stopped, v.Queued, v.Scale.Min = true, 1, 2 }), want: 0},
		{name: "held stays", in: with(warm(3), func(v *view) { idle(v); v.HeldUntil = noon.Add(1) }), want: 3},
		{name: "a hold ends", in: with(warm(3), func(v *view) { idle(v); v.HeldUntil = noon }), want: 0,
			kind: service.KindIdle, reason: "idle for 10m2s, longer than idle_after 10m0s"},
		{
			name: "a zero that is held keeps no caller out",
			in:   with(zero(), func(v *view) { v.Queued, v.HeldUntil = 1, noon.Add(time.Minute) }),
			want: 1, kind: service.KindWake, reason: "1 call waits and no instance is there",
		},
		{
			name: "a failed start is given up",
			in: with(warm(1), func(v *view) {
				v.Ready, v.Failed = 0, &service.Failure{Cause: service.NoCapacity, Text: "memory exhausted on 3 nodes", Final: true}
			}),
			want: 0, kind: service.KindFailed, reason: "the start failed: memory exhausted on 3 nodes",
		},
		{
			name: "with a minimum too",
			in: with(warm(2), func(v *view) {
				v.Ready, v.Scale.Min, v.Failed = 0, 2, &service.Failure{Text: "the image does not exist", Final: true}
			}),
			want: 0, kind: service.KindFailed, reason: "the start failed: the image does not exist",
		},
		{
			name: "not while callers wait for an answer",
			in:   with(warm(1), func(v *view) { v.Ready, v.Queued, v.Failed = 0, 1, &service.Failure{Text: "x", Final: true} }),
			want: 1,
		},
		{
			name: "not while the cluster tries again",
			in:   with(warm(1), func(v *view) { v.Ready, v.Failed = 0, &service.Failure{Text: "x"} }),
			want: 1,
		},
		{
			name: "not where other instances answer",
			in:   with(warm(2), func(v *view) { v.Ready, v.InFlight, v.Failed = 1, 15, &service.Failure{Text: "x", Final: true} }),
			want: 2,
		},
		{
			name: "the gateway gave up",
			in:   with(warm(1), func(v *view) { v.Ready, v.Phase, v.PhaseSince = 0, service.Broken, noon.Add(-time.Second) }),
			want: 0, kind: service.KindFailed, reason: "the start failed: no instance answered in time",
		},
		{
			name: "but not on the start that came after",
			in:   with(warm(1), func(v *view) { v.Ready, v.Phase, v.PhaseSince = 0, service.Broken, v.Raised.Add(-time.Second) }),
			want: 1,
		},
		{name: "unknown is not zero", in: with(warm(3), func(v *view) { idle(v); v.Fresh = false }), want: 3},
		{name: "nothing is known of the version", in: with(warm(3), func(v *view) { idle(v); v.Scale = service.Scale{} }), want: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, changed := decide(tt.in)
			got := tt.in.Count
			if changed {
				got = d.To
			}
			if got != tt.want {
				t.Errorf("count = %d, want %d (%s)", got, tt.want, d.Reason)
			}
			if d.Reason != tt.reason || d.Kind != tt.kind {
				t.Errorf("decision:\n got %q %q\nwant %q %q", d.Kind, d.Reason, tt.kind, tt.reason)
			}
			if changed && (d.From != tt.in.Count || d.Service != tt.in.ID || !d.At.Equal(noon) || len(d.Inputs) == 0) {
				t.Errorf("decision lacks what it is about: %+v", d)
			}
		})
	}
}

// random is a service in any state that the engine could see.
func random(r *rand.Rand) scheduler.View {
	ago := func(most time.Duration) time.Time {
		if r.IntN(4) == 0 {
			return time.Time{}
		}
		return noon.Add(-time.Duration(r.Int64N(int64(most))))
	}
	v := scheduler.View{
		ID: "dyn-a", Fresh: true, Count: r.IntN(12),
		Phase:  []service.Phase{service.Idle, service.Starting, service.Ready, service.Closing, service.Broken}[r.IntN(5)],
		Stable: r.Float64() * 80, Panic: r.Float64() * 120, Peak: r.IntN(15),
		InFlight: r.IntN(60), Queued: r.IntN(60),
		LastBusy: ago(time.Hour), ReadySince: ago(time.Hour), Raised: ago(time.Hour), Changed: ago(10 * time.Minute),
	}
	v.Scale = service.Scale{Min: r.IntN(3), Concurrency: 1 + r.IntN(20), IdleAfter: service.Duration{Duration: time.Minute}}
	v.Scale.Max = max(1, v.Scale.Min) + r.IntN(10)
	v.Ready = r.IntN(v.Count + 1)
	v.Sick = r.IntN(v.Count - v.Ready + 1)
	if r.IntN(2) == 0 {
		v.Scale.Target = service.Target{Rate: r.IntN(100), CPUPercent: r.IntN(100)}
		v.Scale.Target.QueueDelay.Duration = time.Duration(r.IntN(3)) * time.Second
		v.Scale.Target.Latency.Duration = time.Duration(r.IntN(3)) * time.Second
		v.Instance.CPU = 500
		v.Rate, v.RatePanic, v.CPU, v.CPUKnown = r.Float64()*500, r.Float64()*500, r.Float64()*5000, r.IntN(3) > 0
		v.Took, v.Latency = time.Duration(r.Int64N(int64(2*time.Second))), time.Duration(r.Int64N(int64(4*time.Second)))
	}
	if r.IntN(2) == 0 {
		v.InFlight, v.Queued = 0, 0
	}
	if r.IntN(2) == 0 {
		v.Stable, v.Panic = 0, 0
	}
	if r.IntN(6) == 0 {
		v.Failed = &service.Failure{Text: "no", Final: r.IntN(2) == 0}
	}
	if r.IntN(6) == 0 {
		v.HeldUntil = noon.Add(time.Minute)
	}
	if r.IntN(6) == 0 {
		v.Floors = []scheduler.Floor{{Name: "w", Min: r.IntN(6), Until: noon.Add(time.Minute)}}
	}
	return v
}

// after is the count that a view has after its decision.
func after(v scheduler.View) int {
	if d, ok := decide(v); ok {
		return d.To
	}
	return v.Count
}

func TestDecideProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		v := random(r)
		d, changed := decide(v)
		got := after(v)
		fail := func(what string) {
			t.Helper()
			t.Fatalf("case %d: %s\nview %+v\ndecision %+v", i, what, v, d)
		}
		if again, _ := decide(v); !reflect.DeepEqual(again, d) {
			fail("another answer the second time: " + cmp.Diff(d, again))
		}
		if changed && (d.Reason == "" || d.Kind == "" || d.From == d.To) {
			fail("a decision without a reason or a change")
		}
		if got < 0 || changed && got > v.Scale.Max {
			fail("out of bounds")
		}
		// In flight at full concurrency, as far as max allows.
		live := v.InFlight + v.Queued
		need := min((live+v.Scale.Concurrency-1)/v.Scale.Concurrency, v.Scale.Max)
		if got < v.Count && got < need {
			fail("shrinks below what is in flight")
		}
		if live > 0 && got == 0 && v.Queued > 0 {
			fail("callers wait and nothing is started")
		}
		unknown := v
		unknown.Fresh = false
		if n := after(unknown); n != v.Count {
			fail("decides on what it does not know")
		}
		stopped := v
		stopped.Stopped = true
		if n := after(stopped); n != 0 {
			fail("runs though it is stopped")
		}
		more := v
		switch r.IntN(8) {
		case 0:
			more.InFlight += 1 + r.IntN(20)
		case 1:
			more.Queued += 1 + r.IntN(20)
		case 2:
			more.Stable += r.Float64() * 20
		case 3:
			more.Panic += r.Float64() * 20
		case 4:
			more.Rate += r.Float64() * 100
		case 5:
			more.RatePanic += r.Float64() * 100
		case 6:
			more.Latency += time.Duration(r.Int64N(int64(time.Second)))
		case 7:
			more.CPU += r.Float64() * 1000
		}
		if n := after(more); n < got {
			fail(fmt.Sprintf("more load, fewer instances: %d\nmore %+v", n, more))
		}
	}
}

// Constant load of any height leads to one count and stays there.
func TestDecideDoesNotFlap(t *testing.T) {
	for _, load := range []float64{0.3, 1, 6.9, 7, 7.1, 34.5, 69, 100} {
		v := warm(1)
		v.Stable, v.Panic, v.Peak, v.InFlight = load, load, int(load/7)+1, int(load)
		changes := 0
		for range 1000 {
			d, ok := decide(v)
			if !ok {
				continue
			}
			changes++
			v.Count, v.Ready = d.To, d.To
		}
		if changes > 1 {
			t.Errorf("load %v: %d changes of the count, want at most 1", load, changes)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	s := scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules()}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 10_000 {
		v := zero()
		if i%50 == 0 {
			v = random(r)
		}
		v.ID = service.ID(fmt.Sprintf("dyn-%d", i))
		s.Services = append(s.Services, v)
	}
	b.ReportAllocs()
	for b.Loop() {
		scheduler.Decide(s)
	}
}
