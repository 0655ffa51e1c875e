package scheduler

import (
	"fmt"

	"github.com/dynsvc/dynsvc/service"
)

// byWaiting asks for the first instances of a service that calls wait for. The
// gateway wakes; this is for a wake that was lost.
func byWaiting(a *ask) (proposal, bool) {
	if a.Count > 0 || a.Queued == 0 {
		return proposal{}, false
	}
	p := proposal{count: max(1, a.floor()), kind: service.KindWake}
	if a.tell {
		p.reason = wait(a.Queued) + " and no instance is there"
	}
	return p, true
}

func wait(n int) string {
	if n == 1 {
		return "1 call waits"
	}
	return fmt.Sprintf("%d calls wait", n)
}
