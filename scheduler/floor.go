package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byFloor asks for the manifest's min, or for that of an open window where it is
// higher. After a failed start it waits, so that a broken version with a minimum
// is not started again and again.
func byFloor(v *View, now time.Time, _ *Rules) (proposal, bool) {
	if now.Before(v.RetryAt) {
		return proposal{}, false
	}
	p := proposal{v.Scale.Min, service.KindBounds, fmt.Sprintf("min is %d", v.Scale.Min)}
	for _, f := range v.Floors {
		if f.Min > p.count {
			p.count = f.Min
			p.reason = fmt.Sprintf("window %q is open until %s: min is %d", f.Name, f.Until.Format(time.RFC3339), f.Min)
		}
	}
	return p, p.count > 0
}

// floor is the least count that a start may choose, within max.
func floor(v *View, now time.Time) int {
	p, _ := byFloor(v, now, nil)
	return min(p.count, v.Scale.Max)
}
