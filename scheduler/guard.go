package scheduler

import (
	"fmt"

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
func guard(a *ask, v *verdict) {
	if v.count >= a.Count {
		return
	}
	least, rule, why := 0, "", ""
	if v.kind != service.KindIdle {
		least, rule, why = gentle(a)
	}
	// Never below what is in flight now, whatever the reason.
	if n := ceil(float64(a.live()) / float64(concurrency(a.View))); n > least {
		least, rule = n, "in flight"
		if a.tell {
			why = fmt.Sprintf("%d calls are there now", a.live())
		}
	}
	least = min(least, a.Scale.Max, a.Count)
	if least <= v.count {
		return
	}
	if a.tell {
		v.reason = fmt.Sprintf("%s, but %s: %s", v.reason, why, instances(least))
	}
	v.to(a, least, rule, why)
}

// gentle is the least count that load may shrink to now, and why.
func gentle(a *ask) (least int, rule, why string) {
	if a.panics() {
		return a.Count, "panic", "load jumps"
	}
	if a.now.Sub(a.Changed) < a.r.MinLife {
		if a.tell {
			why = "the count was changed less than " + a.r.MinLife.String() + " ago"
		}
		return a.Count, "min life", why
	}
	if half := (a.Count + 1) / 2; half > a.Peak {
		return half, "shrink", "at most halved at once"
	}
	if a.tell {
		why = fmt.Sprintf("load asked for %s at the peak of the last %s", instances(a.Peak), a.r.Shrink)
	}
	return a.Peak, "peak", why
}
