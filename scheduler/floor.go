package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byFloor asks for the manifest's min, or for that of an open window where it is
// higher. After a failed start it waits, so that a broken version with a minimum
// is not started again and again.
func byFloor(a *ask) (proposal, bool) {
	if a.now.Before(a.RetryAt) {
		return proposal{}, false
	}
	p := proposal{count: a.Scale.Min, kind: service.KindBounds}
	open := -1
	for i, f := range a.Floors {
		if f.Min > p.count {
			p.count, open = f.Min, i
		}
	}
	switch {
	case !a.tell:
	case open < 0:
		p.reason = fmt.Sprintf("min is %d", p.count)
	default:
		f := &a.Floors[open]
		p.reason = fmt.Sprintf("window %q is open until %s: min is %d", f.Name, f.Until.Format(time.RFC3339), f.Min)
	}
	return p, p.count > 0
}

// floor is the least count that a start may choose, within max.
func (a *ask) floor() int {
	told := a.tell
	a.tell = false
	p, _ := byFloor(a)
	a.tell = told
	return min(p.count, a.Scale.Max)
}
