package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byIdleTime keeps one instance until nobody has called for the version's
// idle_after.
func byIdleTime(a *ask) (proposal, bool) {
	if a.Count == 0 || a.live() > 0 {
		return proposal{}, false
	}
	if a.learnt() {
		return proposal{}, false // habits say more
	}
	idle, after := a.unused()
	p, how := proposal{count: 1, kind: service.KindLoad}, "idle for %s, kept until idle_after %s: 1 instance"
	if idle >= after {
		p, how = proposal{kind: service.KindIdle}, "idle for %s, longer than idle_after %s"
	}
	if a.tell {
		p.reason = fmt.Sprintf(how, idle.Round(time.Second), after)
	}
	return p, true
}

// unused is for how long nobody has called a service without calls, and the
// version's idle_after. The clock starts at the latest of the last call, the
// first answer and the raise of the count, so that an instance that was never
// used goes too.
func (a *ask) unused() (idle, after time.Duration) {
	since := latest(a.LastBusy, a.ReadySince, a.Raised)
	return a.now.Sub(since), orDefault(a.Scale.IdleAfter.Duration, a.r.IdleAfter)
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
