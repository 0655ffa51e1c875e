package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// ask is the question that strategies and rules answer: how many instances for
// this service at this moment?
type ask struct {
	*View
	now     time.Time
	r       *Rules
	wideIll bool // most services that run have an instance that is ill
	tell    bool // sentences are wanted; making them is most of the cost, so it is done for changes only
}

// proposal is a count, and why. The reason is empty where nobody wants to be
// told.
type proposal struct {
	count  int
	kind   service.Kind
	reason string
}

// strategy proposes a count for a service; ok is false when it has no opinion.
type strategy struct {
	name    string
	propose func(a *ask) (p proposal, ok bool)
}

// loads are the strategies that follow load: the larger the load, the larger
// the count. What they ask for together is what a service needs.
var loads = []strategy{
	{"concurrency", byConcurrency},
	{"request rate", byRate},
	{"queue delay", byQueueDelay},
	{"CPU", byCPU},
	{"latency", byLatency},
}

// others are the strategies that know better than the load of this moment.
var others = []strategy{
	{"health", byHealth},
	{"wake", byWaiting},
	{"floor", byFloor},
	{"habit", byHabit},
	{"idle time", byIdleTime},
}

// need is the count that load asks for, in a proposal that a cold service's
// queue does not raise. ok is false where there is no load to follow.
func (a *ask) need(each func(name string, p proposal)) (best proposal, winner string, ok bool) {
	cold := a.cold()
	for i := range loads {
		p, has := loads[i].propose(a)
		if !has {
			continue
		}
		if cold && p.count > a.Count {
			p.count = a.Count
			if a.tell {
				p.reason = fmt.Sprintf("%s, but the queue of a start tells how many came, not how long they take: stays at %s", p.reason, instances(a.Count))
			}
		}
		if each != nil {
			each(loads[i].name, p)
		}
		if !ok || p.count > best.count {
			best, winner, ok = p, loads[i].name, true
		}
	}
	return best, winner, ok
}

// demand is the count that load asks for while the service is not cold; its
// maximum over the shrink window is View.Peak.
func (a *ask) demand() int {
	if a.cold() {
		return 0
	}
	p, _, _ := a.need(nil)
	return p.count
}

// live is the number of calls that want an instance now.
func (v *View) live() int { return v.InFlight + v.Queued }

// held reports whether a person's count is to stay. A count of zero does not
// keep callers out: that is what stopping a service is for.
func (a *ask) held() bool {
	return a.now.Before(a.HeldUntil) && (a.Count > 0 || a.Queued == 0)
}

// cold reports whether the service has not answered long enough for its queue
// to say anything: the queue of a start tells how many came, not how long they
// take.
func (a *ask) cold() bool {
	return a.Ready == 0 || a.ReadySince.IsZero() || a.now.Sub(a.ReadySince) < a.r.ColdGrace
}
