package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestTargets(t *testing.T) {
	type view = scheduler.View
	s := func(n int) service.Duration { return service.Duration{Duration: time.Duration(n) * time.Second} }
	busy := func(target service.Target, change func(*view)) scheduler.View {
		return with(warm(2), func(v *view) {
			v.Scale.Target, v.Instance = target, scheduler.Size{CPU: 1000}
			v.Stable, v.InFlight, v.Peak = 2, 2, 2
			change(v)
		})
	}
	tests := []struct {
		name   string
		in     scheduler.View
		want   int
		reason string // of the strategy, empty: it has no opinion
		by     string
	}{
		{
			name: "calls a second", by: "request rate",
			in:   busy(service.Target{Rate: 100}, func(v *view) { v.Rate = 300 }),
			want: 5, reason: "300 calls a second over 60 s, 70 of 100 an instance: 5 instances",
		},
		{
			name: "a jump of the rate", by: "request rate",
			in:   busy(service.Target{Rate: 100}, func(v *view) { v.Rate, v.RatePanic = 100, 420 }),
			want: 6, reason: "420 calls a second over 6 s, 70 of 100 an instance: 6 instances",
		},
		{
			name: "a rise of the rate is no jump", by: "request rate",
			in:   busy(service.Target{Rate: 100}, func(v *view) { v.Rate, v.RatePanic = 100, 200 }),
			want: 2, reason: "100 calls a second over 60 s, 70 of 100 an instance: 2 instances",
		},
		{name: "no calls, no opinion", by: "request rate", in: busy(service.Target{Rate: 100}, func(*view) {}), want: 2},
		{
			name: "calls that wait, and take long", by: "queue delay",
			in:   busy(service.Target{QueueDelay: s(1)}, func(v *view) { v.InFlight, v.Queued, v.Took = 20, 5, 10*time.Second }),
			want: 7, reason: "5 calls wait, which is to take 1s, and calls of 10s are in flight 10 an instance: 7 instances",
		},
		{
			name: "calls that wait, and are short", by: "queue delay",
			in:   busy(service.Target{QueueDelay: s(1)}, func(v *view) { v.InFlight, v.Queued, v.Took = 10, 5, 100*time.Millisecond }),
			want: 2, reason: "5 calls wait, which is to take 1s, and calls of 100ms are in flight 10 an instance: 2 instances",
		},
		{name: "nobody waits", by: "queue delay", in: busy(service.Target{QueueDelay: s(1)}, func(v *view) { v.Took = time.Minute }), want: 2},
		{
			name: "processor", by: "CPU",
			in:   busy(service.Target{CPUPercent: 50}, func(v *view) { v.CPU, v.CPUKnown = 1900, true }),
			want: 4, reason: "1900 MHz used over 60 s, 500 MHz (50 % of 1000) an instance: 4 instances",
		},
		{
			name: "processor, nearly right", by: "CPU",
			in:   busy(service.Target{CPUPercent: 50}, func(v *view) { v.CPU, v.CPUKnown = 1090, true }),
			want: 2, reason: "1090 MHz used over 60 s, 500 MHz (50 % of 1000) an instance: 2 instances",
		},
		{
			name: "processor not known", by: "CPU",
			in:   busy(service.Target{CPUPercent: 50}, func(v *view) { v.Peak = 0 }),
			want: 2, reason: "how much processor time it uses is not known: stays at 2 instances",
		},
		{
			name: "latency missed", by: "latency",
			in:   busy(service.Target{Latency: s(1)}, func(v *view) { v.Latency = 1400 * time.Millisecond }),
			want: 3, reason: "95 % of the calls of 60 s took up to 1.4s, target 1s, missed: 3 instances",
		},
		{
			name: "latency missed by far at most doubles", by: "latency",
			in:   busy(service.Target{Latency: s(1), Percentile: 50}, func(v *view) { v.Latency = time.Minute }),
			want: 4, reason: "50 % of the calls of 60 s took up to 1m0s, target 1s, missed: 4 instances",
		},
		{
			name: "not before it shows what the last change did", by: "latency",
			in:   busy(service.Target{Latency: s(1)}, func(v *view) { v.Latency, v.Changed = time.Minute, noon.Add(-time.Second) }),
			want: 2, reason: "95 % of the calls of 60 s took up to 1m0s, target 1s, missed, but the count was changed less than 1m0s ago: stays at 2 instances",
		},
		{
			name: "latency met, and not by twice", by: "latency",
			in:   busy(service.Target{Latency: s(1)}, func(v *view) { v.Latency, v.Peak = 900*time.Millisecond, 0 }),
			want: 2, reason: "95 % of the calls of 60 s took up to 900ms, target 1s, met, and not by twice: stays at 2 instances",
		},
		{
			name: "calls that are slow alone", by: "latency",
			in:   busy(service.Target{Latency: s(1)}, func(v *view) { v.Latency, v.Stable, v.InFlight = time.Minute, 1, 1 }),
			want: 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := after(tt.in); got != tt.want {
				t.Errorf("count = %d, want %d", got, tt.want)
			}
			d, _ := scheduler.Explain(scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules(), Services: []scheduler.View{tt.in}}, tt.in.ID)
			said := ""
			for _, p := range d.Proposals {
				if p.Strategy == tt.by {
					said = p.Reason
				}
			}
			if said != tt.reason {
				t.Errorf("it says\n%q, want\n%q", said, tt.reason)
			}
		})
	}
}

// With a closed loop around it: the load is the same all the time, and what it
// brings an instance to depends on their number.
func TestTargetsDoNotFlap(t *testing.T) {
	duration := func(d time.Duration) service.Duration { return service.Duration{Duration: d} }
	for name, target := range map[string]service.Target{
		"request rate": {Rate: 50}, "queue delay": {QueueDelay: duration(time.Second)},
		"CPU": {CPUPercent: 60}, "latency": {Latency: duration(400 * time.Millisecond)},
		"all": {Rate: 50, QueueDelay: duration(time.Second), CPUPercent: 60, Latency: duration(400 * time.Millisecond)},
	} {
		for _, load := range []float64{2, 9, 31, 44} {
			t.Run(name, func(t *testing.T) {
				now := noon
				v := warm(1)
				v.Scale.Max, v.Scale.Target, v.Instance = 50, target, scheduler.Size{CPU: 500}
				var counts []int
				for range 1800 { // an hour of ticks
					v.Stable, v.Panic, v.InFlight, v.LastBusy = load, load, int(load), now
					v.Rate, v.RatePanic, v.CPU, v.CPUKnown = 8*load, 8*load, 90*load, true
					v.Took = time.Duration(100+20*load/float64(v.Count)) * time.Millisecond
					v.Latency = 2 * v.Took
					ds := scheduler.Decide(scheduler.Snapshot{Now: now, Rules: scheduler.DefaultRules(), Services: []scheduler.View{v}})
					if len(ds) > 0 {
						v.Count, v.Ready, v.Changed = ds[0].To, ds[0].To, now
						counts = append(counts, v.Count)
					}
					v.Peak = 0 // the way down remembers nothing that could hide a flap
					now = now.Add(2 * time.Second)
				}
				for i := 1; i < len(counts); i++ {
					if counts[i] < counts[i-1] {
						t.Fatalf("load %v: the counts go up and down: %v", load, counts)
					}
				}
			})
		}
	}
}

func TestProcessorTimeIsMeasured(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Resources.CPU, v.Scale.Target, v.Scale.IdleAfter.Duration = 1000, service.Target{CPUPercent: 50}, time.Hour
		use := 1500.0
		var broken error
		w.open(v, scheduler.Options{Measure: func(_ context.Context, alloc string) (service.Use, error) {
			if alloc != "one" {
				t.Errorf("asked for %q, which does not run", alloc)
			}
			return service.Use{CPU: use, Memory: 64 << 20}, broken
		}})
		w.used()
		w.cluster.change(a, func(st *service.State) { st.Endpoints[0] = service.Endpoint{Alloc: "one", Running: true} })
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 1, time.Now().Add(-time.Minute) })
		w.after(30 * time.Second)
		w.want(3, "wake 0->1 applied", "load 1->3 applied")
		x, err := w.engine.Effective(a)
		if err != nil || x.Now.Inputs["cpu_mhz"] != 1500 && x.Now.Winner != "CPU" {
			t.Errorf("effective: %+v, %v", x.Now, err)
		}
		// What cannot be measured is not zero.
		broken = errors.New("the node does not answer")
		w.after(20 * time.Minute)
		w.want(3, "wake 0->1 applied", "load 1->3 applied")
	})
}
