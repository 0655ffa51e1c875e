package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byQueueDelay asks for enough instances to take up the calls that wait within
// the version's target. Within it an instance takes up as many as its
// concurrency, as often as the target is longer than a call (Little's law; AWS
// calls the same "acceptable backlog per instance"):
//
//	count = ceil(in flight / concurrency + waiting * mean time of a call / (target * concurrency))
//
// It asks for more than concurrency alone where calls take longer than the
// target.
func byQueueDelay(a *ask) (proposal, bool) {
	target := a.Scale.Target.QueueDelay.Duration
	if target <= 0 || a.Count == 0 || a.Queued == 0 || a.Took <= 0 {
		return proposal{}, false
	}
	c := float64(concurrency(a.View))
	n := ceil(float64(a.InFlight)/c + float64(a.Queued)*a.Took.Seconds()/(target.Seconds()*c))
	p := proposal{count: n, kind: service.KindLoad}
	if a.tell {
		p.reason = fmt.Sprintf("%s, which is to take %s, and calls of %s are in flight %d an instance: %s",
			wait(a.Queued), target, a.Took.Round(time.Millisecond), concurrency(a.View), instances(n))
	}
	return p, true
}
