package scheduler

import (
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// What ticks see becomes a habit, and so does what is stored, after a restart.
func TestTheEngineLearnsHabits(t *testing.T) {
	const every, minutes = 15, 600
	begin := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	seen := New(nil, nil, nil, hclog.NewNullLogger(), Options{})
	seen.track("a")
	seen.track("never called")
	var list []service.Sample
	for m := range minutes {
		for _, second := range []int{1, 31} {
			now := begin.Add(time.Duration(m)*time.Minute + time.Duration(second)*time.Second)
			load := service.Load{ID: "a", LastBusy: begin.Add(time.Duration(m/every*every)*time.Minute + 20*time.Second)}
			if m%every == 0 && second == 1 {
				load.InFlight = 1
			}
			seen.watch(map[service.ID]service.Load{"a": load}, now)
		}
		if m%every == 0 {
			list = append(list, service.Sample{Service: "a", Start: begin.Add(time.Duration(m) * time.Minute), Calls: 1})
		}
	}
	stored := New(nil, nil, nil, hclog.NewNullLogger(), Options{})
	stored.track("a")
	end := begin.Add(minutes * time.Minute)
	stored.relearn(list, MinuteOf(end))
	for name, e := range map[string]*Engine{"seen": seen, "stored": stored} {
		e.services["a"].seen, e.services["a"].scale.Max = true, 1
		const expected = "no strategy asks for an instance; calls come every 15 min: one is to be there at 10:00 UTC"
		if d := e.explain(e.services["a"], end.Add(-3*time.Minute)); d.From != d.To || d.Reason != expected {
			t.Errorf("%s: before a call: %q, want %q", name, d.Reason, expected)
		}
		e.watch(nil, end)
		due := e.habit(e.services["a"], end)
		if due == nil || due.Hazard < 0.3 {
			t.Errorf("%s: %+v in the minute of a call, want a hazard of 0.3 and more", name, due)
		}
		if !e.comes(e.services["a"], due) {
			t.Errorf("%s: no instance would be started for the call", name)
		}
	}
	if seen.services["never called"].learner != nil {
		t.Error("a service that was never called takes memory")
	}
	// Nobody watched for an hour: that is no idle time of an hour.
	idles := seen.services["a"].learner.History.Idles()
	seen.watch(nil, end.Add(time.Hour))
	seen.watch(map[service.ID]service.Load{"a": {InFlight: 1}}, end.Add(time.Hour+time.Second))
	seen.watch(nil, end.Add(time.Hour+time.Minute))
	if got := seen.services["a"].learner.History.Idles(); got != idles {
		t.Errorf("%d idle times are known after an hour that nobody watched, want %d", got, idles)
	}
	// A clock that is set back a day starts anew.
	seen.watch(nil, begin)
	if seen.services["a"].learner != nil {
		t.Error("a habit of the future was kept")
	}
}
