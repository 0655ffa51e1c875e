package simulation_test

import (
	"fmt"
	"testing"

	"github.com/dynsvc/dynsvc/simulation"
)

// count is the accounting over again, from nothing but when a service was up,
// before and after the calls of each minute, and when it was called.
func count(minutes []simulation.Moment, called map[int32]bool) (cold, starts, up int64) {
	before := int64(0)
	for minute, m := range minutes {
		starts += max(0, m.Ready-before) + max(0, m.Instances-m.Ready)
		if called[int32(minute)] && m.Ready == 0 {
			cold++
		}
		up += m.Instances
		before = m.Instances
	}
	return cold, starts, up
}

// Cold starts, starts and minutes of all policies are what their instances' ups
// and downs say, service by service: no policy has a convention of its own.
func TestAllPoliciesAreCountedAlike(t *testing.T) {
	trace := generated(t, "mixed,services=15,days=1,seed=3")
	policies := []simulation.Policy{ours(), peer(t, "fixed:1m"), peer(t, "fixed:10m"), peer(t, "fixed:4h"), peer(t, "knative"), peer(t, "hybrid"), peer(t, "hybrid:30m")}
	for _, p := range policies {
		for i := range trace.Services {
			one := *trace
			one.Services = trace.Services[i : i+1]
			r := replay(t, &one, p, simulation.Options{Series: true})
			called := map[int32]bool{}
			for _, c := range one.Services[0].Calls {
				called[c.Minute] = true
			}
			cold, starts, up := count(r.Series, called)
			got := fmt.Sprintf("%d cold, %d starts, %d up, %d instance-minutes", r.ColdStarts, r.Starts, r.UpMinutes, r.InstanceMinutes)
			want := fmt.Sprintf("%d cold, %d starts, %d up, %d instance-minutes", cold, starts, up, up+starts)
			if got != want {
				t.Errorf("%s under %s: got %s; counted %s", one.Services[0].Name, p.Name, got, want)
			}
		}
	}
}

// A fixed keep-alive is counted from the trace alone, with no simulator.
func TestAFixedKeepAliveByHand(t *testing.T) {
	for _, name := range []string{"mixed,services=40", "bursty,services=20,seed=9"} {
		trace := generated(t, name)
		const keep = 10
		var cold, up int64
		for _, s := range trace.Services {
			end := int32(-1) // the first minute that it is down in
			for _, c := range s.Calls {
				if c.Minute >= end {
					cold++
				}
				begin := max(c.Minute, end)
				end = min(c.Minute+keep, int32(trace.Minutes))
				up += int64(end - begin)
			}
		}
		r := replay(t, trace, peer(t, "fixed:10m"), simulation.Options{})
		if r.ColdStarts != cold || r.Starts != cold || r.UpMinutes != up || r.InstanceMinutes != up+cold {
			t.Errorf("%s: %d cold starts of %d starts, %d up, %d instance-minutes; by hand %d, %d and %d", name, r.ColdStarts, r.Starts, r.UpMinutes, r.InstanceMinutes, cold, up, up+cold)
		}
	}
}
