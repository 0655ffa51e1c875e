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
	from    []*target // the last one first; several only where resumed
	until   time.Time
	resumed bool // the tag was moved before this gateway began
}

// MoveLimit is how long the version before answers at most.
const MoveLimit = 5 * time.Minute

// split is a second version that has a share of a tag's calls.
type split struct {
	service.Split
	to *target
}

// pick chooses the version for one call. Others than that of the reference are
// named to the caller, by their service id.
//
// A call of a split's share is answered by the tag's own version while only that
// one can: nobody waits for a start, or meets a version that cannot start, because
// calls are split. The other way round would give the second version more than its
// share.
func (n *meaning) pick(in *http.Request) (to *target, other service.ID) {
	if n.split == nil || !n.split.Takes(n.split.value(in)) {
		return n.own()
	}
	second := n.split.to
	if !second.machine.takes() {
		if to, other = n.own(); to.machine.takes() {
			second.machine.rouse()
			return to, other
		}
	}
	return second, second.version.ID
}

// own is who answers calls that are not of a split's share.
func (n *meaning) own() (to *target, other service.ID) {
	m := n.move.Load()
	switch {
	case m == nil:
	case m.over(n.to):
		n.move.CompareAndSwap(m, nil)
	default:
		if from := m.answers(); from != nil {
			n.to.machine.rouse()
			return from, from.version.ID
		}
	}
	return n.to, ""
}

func (m *move) over(to *target) bool { return to.machine.takes() || time.Now().After(m.until) }

// answers is the version before that can answer; nil: none can.
func (m *move) answers() *target {
	for _, from := range m.from {
		if from.machine.takes() {
			return from
		}
	}
	if m.resumed {
		for _, from := range m.from {
			if from.machine.returns() {
				return from
			}
		}
	}
	return nil
}

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
		if old == nil {
			return nil
		}
		return e.moveFrom(old.until, old.resumed, to, old.from...)
	}
	from := was.to
	if old != nil && !from.machine.takes() { // it was moved on before it could answer
		from = old.answers()
	}
	if from == nil || !from.machine.takes() {
		return nil
	}
	return e.moveFrom(time.Now().Add(MoveLimit), false, to, from)
}

// moveFrom is a move from those versions that the module still has; nil: it is none.
func (e *entry) moveFrom(until time.Time, resumed bool, to *target, from ...*target) *move {
	m := &move{until: until, resumed: resumed}
	for _, t := range from {
		if now := e.targets[t.version.ID]; now != nil && now.version.ID != to.version.ID {
			m.from = append(m.from, now)
		}
	}
	if len(m.from) == 0 {
		return nil
	}
	return m
}

// Resume tells of a tag that was moved at a time before this gateway began: what
// it meant until then, the last version first. The one of them that runs answers
// as if the gateway had been there. The module was published before.
func (g *Gateway) Resume(module, tag string, from []service.ID, at time.Time) {
	found, ok := g.modules.Load(service.ModuleKey(module))
	if !ok || tag == service.Dev {
		return
	}
	e := found.(*entry)
	n := e.tags[tag]
	if n == nil {
		return
	}
	var before []*target
	for _, id := range from {
		if t := e.targets[id]; t != nil {
			before = append(before, t)
		}
	}
	n.move.Store(e.moveFrom(at.Add(MoveLimit), true, n.to, before...))
}

// returnLimit is how long instances that ran before the gateway began are waited
// for: they are asked at once, and those that are well answer at once.
const returnLimit = 5 * time.Second

// returns reports whether the service has instances that have not been asked yet
// whether they answer, as after a restart of the gateway.
func (m *machine) returns() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.phase == service.Starting && len(m.endpoints) > 0 && time.Since(m.since) < returnLimit
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
