package scheduler

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// sickAfter is how long Consul calls an instance critical before it is no
// capacity: a check that misses once is no illness.
const sickAfter = 10 * time.Second

// diagnosis is what is wrong with the instances of a service.
type diagnosis struct {
	sick int // critical for longer than sickAfter
	ill  []Ill
}

// diagnose finds the instances that do not do their work: those that Consul
// calls critical though their check has passed before, and those that do not
// answer the gateway. A check that has never passed says nothing: it may ask for
// what the program does not have, and calls are answered all the same. An instance
// that has never answered is a start that takes long, until the start deadline.
func (e *Engine) diagnose(states []service.State, loads map[service.ID]service.Load, now time.Time) map[service.ID]diagnosis {
	well, since := map[string]bool{}, map[string]time.Time{}
	found := map[service.ID]diagnosis{}
	for i := range states {
		st := &states[i]
		load := loads[st.ID]
		for j := range st.Endpoints {
			ep := &st.Endpoints[j]
			if ep.Check == service.Passing || e.well[ep.Alloc] {
				well[ep.Alloc] = true
			}
			critical := ep.Check == service.Critical && well[ep.Alloc]
			if critical {
				since[ep.Alloc] = now
				if before, known := e.sick[ep.Alloc]; known && before.Before(now) {
					since[ep.Alloc] = before
				}
			}
			d := found[st.ID]
			if critical && now.Sub(since[ep.Alloc]) >= sickAfter {
				d.sick++
			}
			if ill, ok := e.illness(st.ID, ep.Alloc, critical, since[ep.Alloc], &load); ok {
				d.ill = append(d.ill, ill)
			}
			if d.sick > 0 || d.ill != nil {
				found[st.ID] = d
			}
		}
	}
	e.well, e.sick = well, since
	return found
}

// illness is what is wrong with one instance, and when it is due.
func (e *Engine) illness(id service.ID, alloc string, critical bool, since time.Time, load *service.Load) (Ill, bool) {
	if e.opts.Replace == nil {
		return Ill{}, false
	}
	if critical {
		return Ill{Alloc: alloc, Since: since, Due: since.Add(e.opts.Rules.ReplaceAfter), Why: "Consul calls it critical"}, true
	}
	for _, s := range load.Silent {
		switch {
		case s.Alloc != alloc:
		case s.Before:
			return Ill{Alloc: alloc, Since: s.Since, Due: s.Since.Add(e.opts.Rules.ReplaceAfter), Why: "it does not answer any more"}, true
		case load.Ready > 0: // where none answers the start failed, which is another's to judge
			return Ill{Alloc: alloc, Since: s.Since, Due: s.Since.Add(e.deadline(id)), Why: "it has never answered"}, true
		}
	}
	return Ill{}, false
}

func (e *Engine) deadline(id service.ID) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.services[id]; ok && t.deadline > 0 {
		return t.deadline
	}
	return e.opts.StartDeadline
}
