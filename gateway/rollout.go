package gateway

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// meaning is what a reference means: one version, and while a tag is being moved
// or its calls are split, for some calls another.
type meaning struct {
	to    *target
	move  atomic.Pointer[move] // nil: the version has all calls
	split *split               // nil: no share goes elsewhere
}

// move lets the version that a tag meant before answer until the one that it
// means now can: nobody waits for a start because a tag was moved.
type move struct {
	from  *target
	until time.Time
}

// moveLimit is how long the version before answers at most.
const moveLimit = 5 * time.Minute

// split is a second version that has a share of a tag's calls.
type split struct {
	service.Split
	to *target
}

// pick chooses the version for one call. Others than that of the reference are
// named to the caller, by their service id.
func (n *meaning) pick(in *http.Request) (to *target, other service.ID) {
	if n.split != nil && n.split.Takes(n.split.value(in)) {
		return n.split.to, n.split.to.version.ID
	}
	if m := n.move.Load(); m != nil {
		if m.over(n.to) {
			n.move.CompareAndSwap(m, nil)
		} else if m.from.machine.takes() {
			n.to.machine.rouse()
			return m.from, m.from.version.ID
		}
	}
	return n.to, ""
}

func (m *move) over(to *target) bool { return to.machine.takes() || time.Now().After(m.until) }

// value is what the version of a call follows from.
func (s *split) value(in *http.Request) string {
	if s.Cookie != "" {
		if c, err := in.Cookie(s.Cookie); err == nil {
			return c.Value
		}
		return ""
	}
	if s.Header != "" {
		return in.Header.Get(s.Header)
	}
	return ""
}

// means makes the meanings of the tags of e, in place of those of the entry
// before, which is nil for a module that is new.
func (e *entry) means(before *entry) {
	e.tags = make(map[string]*meaning, len(e.module.Tags))
	for tag, id := range e.module.Tags {
		to := e.targets[id]
		if to == nil {
			continue // a tag of nothing
		}
		if tag == service.Dev {
			to = &target{module: to.module, version: to.version, machine: to.machine, dev: true}
		}
		n := &meaning{to: to}
		if s, ok := e.module.Splits[tag]; ok && e.targets[s.To] != nil {
			n.split = &split{Split: s, to: e.targets[s.To]}
		}
		// Who calls what was registered last wants that, and not what was before.
		if before != nil && before.tags[tag] != nil && tag != service.Dev {
			n.move.Store(e.moved(before.tags[tag], to))
		}
		e.tags[tag] = n
	}
}

// moved is the move from what a tag meant to what it means; nil: it is none, or
// nothing can answer meanwhile.
func (e *entry) moved(was *meaning, to *target) *move {
	old := was.move.Load()
	if was.to.version.ID == to.version.ID {
		if old == nil || e.targets[old.from.version.ID] == nil {
			return nil
		}
		return &move{from: e.targets[old.from.version.ID], until: old.until}
	}
	from := was.to.version.ID
	if old != nil && !was.to.machine.takes() { // it was moved on before it could answer
		from = old.from.version.ID
	}
	if from == to.version.ID || e.targets[from] == nil || !e.targets[from].machine.takes() {
		return nil
	}
	return &move{from: e.targets[from], until: time.Now().Add(moveLimit)}
}

// takes reports whether an endpoint of the service takes calls.
func (m *machine) takes() bool {
	warm := m.warm.Load()
	return warm != nil && len(*warm) > 0
}

// rouseAgain is how often a service is started, at most, for which no call waits.
const rouseAgain = time.Second

// rouse starts the service though no call waits for it.
func (m *machine) rouse() {
	now, last := time.Now().UnixNano(), m.roused.Load()
	if now-last < int64(rouseAgain) || !m.roused.CompareAndSwap(last, now) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.phase == service.Idle, m.phase == service.Broken && !time.Now().Before(m.again):
		m.begin("somebody is going to call")
		m.wake(m.g.life)
		m.meters.of("").woke()
	case m.phase == service.Closing && !m.drained:
		m.reopen("somebody is going to call")
	}
}
