package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byIdleTime keeps one instance until nobody has called for the version's
// idle_after.
func byIdleTime(v *View, now time.Time, r *Rules) (proposal, bool) {
	if v.Count == 0 || v.live() > 0 {
		return proposal{}, false
	}
	idle, after := unused(v, now, r)
	said := idle.Round(time.Second)
	if idle < after {
		return proposal{1, service.KindLoad, fmt.Sprintf("idle for %s, kept until idle_after %s: 1 instance", said, after)}, true
	}
	return proposal{0, service.KindIdle, fmt.Sprintf("idle for %s, longer than idle_after %s", said, after)}, true
}

// unused is for how long nobody has called a service without calls, and the
// version's idle_after. The clock starts at the latest of the last call, the
// first answer and the raise of the count, so that an instance that was never
// used goes too.
func unused(v *View, now time.Time, r *Rules) (idle, after time.Duration) {
	since := latest(v.LastBusy, v.ReadySince, v.Raised)
	return now.Sub(since), orDefault(v.Scale.IdleAfter.Duration, r.IdleAfter)
}

func latest(times ...time.Time) time.Time {
	var l time.Time
	for _, t := range times {
		if t.After(l) {
			l = t
		}
	}
	return l
}
