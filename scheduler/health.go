package scheduler

import "fmt"

// byHealth asks for as many instances more than load does as Consul calls
// critical: those are no capacity.
//
//	count = need + critical
//
// When none answers, more of the same would not help.
func byHealth(a *ask) (proposal, bool) {
	if a.Sick == 0 || a.Ready == 0 {
		return proposal{}, false
	}
	p, _, ok := a.need(nil)
	if !ok || p.count == 0 || p.count+a.Sick <= a.Count {
		return proposal{}, false
	}
	if a.tell {
		p.reason = fmt.Sprintf("%s, and %d more that Consul calls critical: %s", p.reason, a.Sick, instances(p.count+a.Sick))
	}
	p.count += a.Sick
	if a.cold() {
		p.count = min(p.count, a.Count)
	}
	return p, true
}
