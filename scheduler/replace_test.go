package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// ill is an instance that was found so some time ago, and is due after a minute.
func ill(alloc string, ago time.Duration) scheduler.Ill {
	return scheduler.Ill{Alloc: alloc, Since: noon.Add(-ago), Due: noon.Add(time.Minute - ago), Why: "Consul calls it critical"}
}

func TestReplace(t *testing.T) {
	type view = scheduler.View
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	tests := []struct {
		name   string
		in     view
		others []view
		want   string // the instance
		said   string // by Explain, or of the decision
	}{
		{
			name: "after its time", want: "abcdef12-rest",
			in:   with(warm(3), func(v *view) { v.Ready, v.Ill = 2, []scheduler.Ill{ill("abcdef12-rest", 61*time.Second)} }),
			said: "instance abcdef12 is replaced: for 61 s Consul calls it critical; 2 of 3 answer, and it is replacement 1 of at most 3 in an hour",
		},
		{
			name: "not before",
			in:   with(warm(3), func(v *view) { v.Ill = []scheduler.Ill{ill("a", 59*time.Second)} }),
			said: "instance a is ill, for 59 s Consul calls it critical: replaced after 1m0s",
		},
		{
			name: "the one that is due longest, and one only", want: "b",
			in: with(warm(3), func(v *view) {
				v.Ill = []scheduler.Ill{ill("a", 70*time.Second), ill("b", 80*time.Second), ill("c", 75*time.Second)}
			}),
			said: "instance b is replaced",
		},
		{
			name: "also the only one", want: "a",
			in:   with(warm(1), func(v *view) { v.Ready, v.InFlight, v.Ill = 0, 4, []scheduler.Ill{ill("a", time.Hour)} }),
			said: "0 of 1 answer",
		},
		{
			name: "not so soon after another",
			in: with(warm(3), func(v *view) {
				v.Ill, v.Replaced = []scheduler.Ill{ill("a", time.Hour)}, []time.Time{ago(119 * time.Second)}
			}),
			said: "the last one was replaced 119 s ago, the next may be at 12:00:01 UTC",
		},
		{
			name: "the pause doubles",
			in: with(warm(3), func(v *view) {
				v.Ill, v.Replaced = []scheduler.Ill{ill("a", time.Hour)}, []time.Time{ago(20 * time.Minute), ago(3 * time.Minute)}
			}),
			said: "the next may be at 12:01:00 UTC",
		},
		{
			name: "three in an hour are enough",
			in: with(warm(3), func(v *view) {
				v.Ill, v.Replaced = []scheduler.Ill{ill("a", time.Hour)}, []time.Time{ago(59 * time.Minute), ago(50 * time.Minute), ago(40 * time.Minute)}
			}),
			said: "3 were replaced in the last hour, which is the limit",
		},
		{
			name: "when all the world is ill it is something else",
			in:   with(warm(3), func(v *view) { v.Ill = []scheduler.Ill{ill("a", time.Hour), ill("b", time.Hour), ill("c", time.Hour)} }),
			others: []view{
				with(warm(3), func(v *view) { v.ID, v.Ill = "dyn-b", []scheduler.Ill{ill("d", time.Hour)} }),
				with(warm(3), func(v *view) { v.ID, v.Ill = "dyn-c", []scheduler.Ill{ill("e", time.Hour)} }),
				with(warm(3), func(v *view) { v.ID = "dyn-d" }),
			},
			said: "rather the network or this agent",
		},
		{
			name: "nothing is decided on what is not known",
			in:   with(warm(3), func(v *view) { v.Fresh, v.Ill = false, []scheduler.Ill{ill("a", time.Hour)} }),
			said: "nothing is decided about the service now",
		},
		{
			name: "a change of the count comes first",
			in: with(warm(3), func(v *view) {
				v.Ready, v.Ill, v.Stable, v.InFlight = 2, []scheduler.Ill{ill("a", time.Hour)}, 30, 30
			}),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.in.Peak = 3; tt.in.Count < 3 {
				tt.in.Peak = tt.in.Count
			}
			s := scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules(), Services: append([]view{tt.in}, tt.others...)}
			got, said := "", ""
			for _, d := range scheduler.Decide(s) {
				if d.Alloc != "" && (d.Kind != service.KindReplace || d.From != d.To) {
					t.Errorf("decision: %+v", d)
				}
				if d.Service == tt.in.ID {
					got, said = d.Alloc, d.Reason
				}
			}
			if got != tt.want {
				t.Errorf("replaces %q, want %q", got, tt.want)
			}
			if tt.want == "" {
				x, _ := scheduler.Explain(s, tt.in.ID)
				said = x.Reason
			}
			if !strings.Contains(said, tt.said) {
				t.Errorf("it says\n%q, want\n%q", said, tt.said)
			}
		})
	}
}

// A day of services whose instances fall ill at random, some for good: whatever
// happens, no more are replaced than the limit says, one at a time, and only such
// as are ill and due.
func TestReplaceProperties(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		rules := scheduler.DefaultRules()
		rules.ReplaceMost = 1 + r.IntN(4)
		broken := r.IntN(2) == 0 // replacements are ill as well
		v := warm(1 + r.IntN(6))
		v.LastBusy, v.HeldUntil = noon.Add(48*time.Hour), noon.Add(48*time.Hour)
		next := 0
		var all []time.Time
		for now := noon; now.Before(noon.Add(24 * time.Hour)); now = now.Add(2 * time.Second) {
			if len(v.Ill) < v.Count && r.IntN(600) == 0 {
				next++
				x := scheduler.Ill{Alloc: fmt.Sprint(next), Since: now, Due: now.Add(rules.ReplaceAfter), Why: "it does not answer any more"}
				v.Ill = append(v.Ill, x)
			}
			v.Ready, v.Replaced = v.Count-len(v.Ill), nil
			for _, at := range all {
				if now.Sub(at) < time.Hour {
					v.Replaced = append(v.Replaced, at)
				}
			}
			ds := scheduler.Decide(scheduler.Snapshot{Now: now, Rules: rules, Services: []scheduler.View{v}})
			if len(ds) == 0 {
				continue
			}
			d, found := ds[0], false
			for i, x := range v.Ill {
				if x.Alloc != d.Alloc {
					continue
				}
				found = true
				if now.Before(x.Due) {
					t.Fatalf("seed %d: %s is replaced before it is due", seed, d.Alloc)
				}
				if v.Ill = append(v.Ill[:i:i], v.Ill[i+1:]...); broken {
					next++
					v.Ill = append(v.Ill, scheduler.Ill{Alloc: fmt.Sprint(next), Since: now, Due: now.Add(rules.ReplaceAfter), Why: "it has never answered"})
				}
				break
			}
			if len(ds) > 1 || !found || d.Reason == "" {
				t.Fatalf("seed %d: decisions %+v of %+v", seed, ds, v.Ill)
			}
			if all = append(all, now); len(v.Replaced) >= rules.ReplaceMost {
				t.Fatalf("seed %d: more than %d in an hour", seed, rules.ReplaceMost)
			}
			if n := len(all); n > 1 && now.Sub(all[n-2]) < min(rules.ReplacePause, time.Hour) {
				t.Fatalf("seed %d: two within %s", seed, now.Sub(all[n-2]))
			}
		}
		if broken && len(all) < 20 {
			t.Errorf("seed %d: a service that stays broken was replaced %d times in a day", seed, len(all))
		}
	}
}

// ward holds instances that can be ill, and replaces them.
type ward struct {
	mu       sync.Mutex
	w        *world
	replaced []string
	refuse   error
}

func (h *ward) replace(_ context.Context, id service.ID, alloc string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	h.replaced = append(h.replaced, alloc)
	h.w.cluster.change(id, func(st *service.State) {
		st.Endpoints = append([]service.Endpoint(nil), st.Endpoints...)
		for i := range st.Endpoints {
			if st.Endpoints[i].Alloc == alloc {
				st.Endpoints[i] = service.Endpoint{Alloc: alloc + "'", Check: service.Passing, Running: true}
			}
		}
	})
	return nil
}

// all are the instances that were replaced.
func (h *ward) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.replaced)
}

// refuses makes every replacement fail with err, or none.
func (h *ward) refuses(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = err
}

// three opens a service with three instances that are well, and are called.
func (h *ward) three(opts scheduler.Options) {
	w := h.w
	v := version(0)
	v.Scale.Min, v.Scale.IdleAfter.Duration = 3, time.Hour
	opts.Replace = h.replace
	w.open(v, opts)
	w.after(5 * time.Second)
	w.cluster.change(a, func(st *service.State) {
		for i := range st.Endpoints {
			st.Endpoints[i] = service.Endpoint{Alloc: fmt.Sprint("i", i), Check: service.Passing, Running: true}
		}
	})
	w.ready(func(l *service.Load) { l.InFlight = 3 })
	w.after(5 * time.Second)
}

// sick has Consul call instances critical.
func (h *ward) sick(allocs ...string) {
	h.w.cluster.change(a, func(st *service.State) {
		st.Endpoints = append([]service.Endpoint(nil), st.Endpoints...)
		for i := range st.Endpoints {
			for _, alloc := range allocs {
				if st.Endpoints[i].Alloc == alloc {
					st.Endpoints[i].Check = service.Critical
				}
			}
		}
	})
}

func TestInstancesThatStayIllAreReplacedOneByOne(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		h := &ward{w: w}
		h.three(scheduler.Options{})
		h.sick("i0", "i2")
		w.after(50 * time.Second)
		x, err := w.engine.Effective(a)
		if err != nil || !strings.Contains(x.Now.Reason, "Consul calls it critical, and 1 more: replaced after 1m0s") {
			t.Errorf("it says %q, %v", x.Now.Reason, err)
		}
		if x.Now.Inputs["sick"] != 2 || x.Now.Inputs["ready"] != 1 {
			t.Errorf("critical instances are no capacity: %v", x.Now.Inputs)
		}
		w.want(3, "bounds 0->3 applied")
		w.after(15 * time.Second)
		w.want(3, "bounds 0->3 applied", "replace 3->3 applied")
		w.after(time.Minute)
		if len(h.all()) != 1 {
			t.Errorf("replaced within the pause: %v", h.all())
		}
		w.after(90 * time.Second)
		w.want(3, "bounds 0->3 applied", "replace 3->3 applied", "replace 3->3 applied")
		if got := fmt.Sprint(h.all()); got != "[i0 i2]" {
			t.Errorf("replaced %s", got)
		}
		// It gets worse again; an agent that restarts remembers what it has done.
		w.end()
		h.three(scheduler.Options{})
		h.sick("i0", "i1", "i2")
		w.after(4 * time.Minute)
		if len(h.all()) != 3 {
			t.Errorf("after a restart: %v", h.all())
		}
		w.after(30 * time.Minute)
		x, _ = w.engine.Effective(a)
		if len(h.all()) != 3 || !strings.Contains(x.Now.Reason, "3 were replaced in the last hour, which is the limit") {
			t.Errorf("beyond the limit: %v; it says %q", h.all(), x.Now.Reason)
		}
	})
}

// A moment is no illness, and neither is silence of Consul.
func TestInstancesThatRecoverStay(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		h := &ward{w: w}
		h.three(scheduler.Options{})
		well := func(check service.Check) {
			w.cluster.change(a, func(st *service.State) {
				st.Endpoints = append([]service.Endpoint(nil), st.Endpoints...)
				for i := range st.Endpoints {
					st.Endpoints[i].Check = check
				}
			})
		}
		for range 10 {
			h.sick("i0", "i1")
			w.after(50 * time.Second)
			well(service.Passing)
			w.after(4 * time.Second)
		}
		h.sick("i0")
		w.after(50 * time.Second)
		well(service.Unknown)
		w.after(time.Hour)
		if len(h.all()) != 0 {
			t.Errorf("replaced %v", h.all())
		}
	})
}

// What does not answer the gateway is ill too: for a minute if it did before, for
// the start deadline if it never has.
func TestInstancesThatDoNotAnswerAreReplaced(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		h := &ward{w: w, refuse: errors.New("nomad cannot be reached")}
		h.three(scheduler.Options{})
		since := time.Now()
		w.ready(func(l *service.Load) {
			l.Ready = 1
			l.Silent = []service.Silent{{Alloc: "i1", Since: since, Before: true}, {Alloc: "i2", Since: since}}
		})
		w.after(65 * time.Second)
		w.want(3, "bounds 0->3 applied", "replace 3->3 not applied")
		h.refuses(nil)
		w.after(2 * time.Minute)
		w.want(3, "bounds 0->3 applied", "replace 3->3 not applied", "replace 3->3 applied")
		w.ready(func(l *service.Load) { l.Ready, l.Silent = 2, []service.Silent{{Alloc: "i2", Since: since}} })
		w.after(5 * time.Minute)
		if got := fmt.Sprint(h.all()); got != "[i1 i2]" {
			t.Errorf("replaced %s", got)
		}
		list, err := w.db.Decisions(t.Context(), a, 0, 1)
		if err != nil || list[0].Alloc != "i2" || !strings.Contains(list[0].Reason, "it has never answered") {
			t.Errorf("the last decision: %+v, %v", list, err)
		}
	})
}
