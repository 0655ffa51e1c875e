package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byFailure gives up a start that cannot succeed: a blocked start would
// otherwise bring an instance long after its callers have left. Callers that
// still wait are the gateway's to answer first.
func byFailure(v *View) (proposal, bool) {
	if v.Count == 0 || v.Ready > 0 || v.live() > 0 {
		return proposal{}, false
	}
	why := "no instance answered in time"
	if v.Failed != nil {
		why = v.Failed.Text
	}
	// What the gateway found before the count was raised is about an older start.
	broken := v.Phase == service.Broken && v.PhaseSince.After(v.Raised)
	given := broken || v.Failed != nil && v.Failed.Final
	return proposal{0, service.KindFailed, "the start failed: " + why}, given
}

// guard keeps a count from falling too early or too far. Idle time is its own
// guard, and max is not to be argued with.
func guard(p proposal, v *View, now time.Time, r *Rules) proposal {
	if p.count >= v.Count {
		return p
	}
	least, why := 0, ""
	if p.kind != service.KindIdle {
		least, why = gentle(v, now, r)
	}
	// Never below what is in flight now, whatever the reason.
	if n := ceil(float64(v.live()) / float64(concurrency(v))); n > least {
		least, why = n, fmt.Sprintf("%d calls are there now", v.live())
	}
	least = min(least, v.Scale.Max, v.Count)
	if least > p.count {
		p.count = least
		p.reason = fmt.Sprintf("%s, but %s: %s", p.reason, why, instances(least))
	}
	return p
}

// gentle is the least count that load may shrink to now, and why.
func gentle(v *View, now time.Time, r *Rules) (int, string) {
	if panics(v, r) {
		return v.Count, "load jumps"
	}
	if now.Sub(v.Changed) < r.MinLife {
		return v.Count, "the count was changed less than " + r.MinLife.String() + " ago"
	}
	peak := ceil(v.Peak / (float64(concurrency(v)) * r.Utilisation))
	if half := (v.Count + 1) / 2; half > peak {
		return half, "at most halved at once"
	}
	return peak, fmt.Sprintf("%s calls in flight at the peak of the last %s", number(v.Peak), r.Shrink)
}
