package scheduler_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestLimits(t *testing.T) {
	busy := func(id service.ID, owner string, count, calls int) scheduler.View {
		v := warm(count)
		v.ID, v.Owner, v.InFlight = id, owner, calls
		v.Instance = scheduler.Size{CPU: 500, Memory: 1024, GPUs: 1}
		return v
	}
	waits := func(id service.ID, owner string) scheduler.View {
		v := zero()
		v.ID, v.Owner, v.Queued, v.Instance = id, owner, 1, scheduler.Size{CPU: 500, Memory: 1024}
		return v
	}
	owners := func(q scheduler.Quota) scheduler.Limits {
		return scheduler.Limits{Owners: map[string]scheduler.Quota{"ada": q}}
	}
	const said = "60 calls in flight and 0 waiting now, 10 an instance: 6 instances"
	tests := []struct {
		name   string
		limits scheduler.Limits
		in     []scheduler.View
		want   []int  // the counts that they have afterwards
		reason string // of the first decision
	}{
		{"enough for all", owners(scheduler.Quota{Instances: 6}), []scheduler.View{busy("a", "ada", 1, 60)}, []int{6}, said},
		{
			"instances", owners(scheduler.Quota{Instances: 4}), []scheduler.View{busy("a", "ada", 1, 60)}, []int{4},
			said + ", but the quota of ada, 4 instances (1 in use), leaves no more: 4 instances",
		},
		{
			"processor", owners(scheduler.Quota{CPU: 1700}), []scheduler.View{busy("a", "ada", 1, 60)}, []int{3},
			said + ", but the quota of ada, 1700 MHz (500 in use), leaves no more: 3 instances",
		},
		{
			"memory", owners(scheduler.Quota{Memory: 2048}), []scheduler.View{busy("a", "ada", 1, 60)}, []int{2},
			said + ", but the quota of ada, 2048 MiB (1024 in use), leaves no more: 2 instances",
		},
		{
			"devices", owners(scheduler.Quota{GPUs: 2}), []scheduler.View{busy("a", "ada", 1, 60)}, []int{2},
			said + ", but the quota of ada, 2 GPUs (1 in use), leaves no more: 2 instances",
		},
		{"another's quota", owners(scheduler.Quota{Instances: 1}), []scheduler.View{busy("a", "grace", 1, 60)}, []int{6}, said},
		{
			"everybody's quota", scheduler.Limits{Owners: map[string]scheduler.Quota{"*": {Instances: 2}}},
			[]scheduler.View{busy("a", "grace", 1, 60), busy("b", "ada", 1, 60)}, []int{2, 2},
			said + ", but the quota of grace, 2 instances (1 in use), leaves no more: 2 instances",
		},
		{"shared by an owner's services", owners(scheduler.Quota{Instances: 8}),
			[]scheduler.View{busy("a", "ada", 1, 60), busy("b", "ada", 1, 60)}, []int{6, 2}, said},
		{
			"the cluster's ceiling", scheduler.Limits{Cluster: scheduler.Quota{Instances: 5}},
			[]scheduler.View{busy("a", "ada", 1, 60), busy("b", "grace", 2, 60)}, []int{3, 2},
			said + ", but the cluster's ceiling of 5 instances (3 in use) leaves no more: 3 instances",
		},
		{"a service without instances comes first", scheduler.Limits{Cluster: scheduler.Quota{Instances: 2}},
			[]scheduler.View{busy("a", "ada", 1, 60), waits("b", "grace")}, []int{1, 1}, "1 call waits and no instance is there"},
		{"what is on its way is in use", owners(scheduler.Quota{Instances: 5}),
			[]scheduler.View{busy("a", "ada", 1, 60), with(busy("b", "ada", 1, 0), func(v *scheduler.View) { v.Fresh, v.Pending = false, 3 })}, []int{2, 1},
			said + ", but the quota of ada, 5 instances (4 in use), leaves no more: 2 instances"},
		{"a lowered limit stops nothing that runs", owners(scheduler.Quota{Instances: 2}), []scheduler.View{busy("a", "ada", 6, 60)}, []int{6}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ds := scheduler.Decide(scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules(), Limits: tt.limits, Services: tt.in})
			counts := map[service.ID]int{}
			for _, d := range ds {
				counts[d.Service] = d.To
			}
			var got []int
			for _, v := range tt.in {
				n, changed := counts[v.ID]
				if !changed {
					n = v.Count
				}
				got = append(got, n)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if tt.reason != "" && (len(ds) == 0 || ds[0].Reason != tt.reason) {
				t.Errorf("decisions %+v\nwant the reason %q", ds, tt.reason)
			}
		})
	}
}

func TestWakeWithinTheQuota(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Owners = []string{"ada", "grace"}
		w.open(v, scheduler.Options{Limits: scheduler.Limits{Cluster: scheduler.Quota{Instances: 1}, Owners: map[string]scheduler.Quota{"ada": {Memory: 100}}}})
		w.used() // it reserves nothing
		v.Resources.Memory = 101
		w.after(2 * time.Minute)
		w.engine.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
		err := w.engine.Wake(t.Context(), a)
		if !errors.Is(err, service.ErrUnavailable) || err.Error() != string(a)+" cannot start: the quota of ada, 100 MiB (0 in use), leaves no more" {
			t.Errorf("Wake: %v", err)
		}
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestExplain(t *testing.T) {
	v := warm(12)
	v.Stable, v.InFlight, v.Scale.Min = 90, 30, 2
	s := scheduler.Snapshot{Now: noon, Rules: scheduler.DefaultRules(), Services: []scheduler.View{v}}
	d, ok := scheduler.Explain(s, v.ID)
	if !ok {
		t.Fatal("the service is not found")
	}
	want := service.Decision{
		Service: v.ID, At: noon, From: 12, To: 10, Kind: service.KindBounds, Winner: "concurrency",
		Reason: "90 calls in flight over 60 s, 7 of 10 an instance: 13 instances, capped at max 10",
		Proposals: []service.Proposal{
			{Strategy: "concurrency", Count: 13, Reason: "90 calls in flight over 60 s, 7 of 10 an instance: 13 instances"},
			{Strategy: "floor", Count: 2, Reason: "min is 2"},
		},
		Caps:   []service.Cap{{Rule: "max", From: 13, To: 10, Reason: "the version's max"}},
		Inputs: d.Inputs,
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
	if decided := scheduler.Decide(s); len(decided) != 1 || cmp.Diff(d, decided[0]) != "" {
		t.Errorf("Decide says %+v, which is not what was explained", decided)
	}

	quiet := zero()
	s.Services = []scheduler.View{quiet}
	if d, _ := scheduler.Explain(s, quiet.ID); d.From != d.To || d.Reason != "no strategy asks for an instance" {
		t.Errorf("an idle service: %+v", d)
	}
	held := with(warm(3), func(v *scheduler.View) { v.HeldUntil = noon.Add(time.Minute) })
	s.Services = []scheduler.View{held}
	if d, _ := scheduler.Explain(s, held.ID); d.To != 3 || d.Winner != "hold" || d.Reason != "the count was set from outside and is kept until 2026-03-02T12:01:00Z" {
		t.Errorf("a held service: %+v", d)
	}
	if _, ok := scheduler.Explain(s, "dyn-none"); ok {
		t.Error("a service that is not there is explained")
	}
}
