package nomad

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/dynsvc/dynsvc/service"
)

// state is what a service is now. m.mu is held.
func (e *entry) state(id service.ID) service.State {
	s := service.State{ID: id, Registered: !e.gone && !e.stopped, Count: e.count, Revision: e.revision}
	if !s.Registered {
		s.Count = 0
	}
	for _, in := range e.instances {
		if in.reachable() && !e.gone {
			s.Endpoints = append(s.Endpoints, in.endpoint)
		}
	}
	slices.SortFunc(s.Endpoints, func(a, b service.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), a.Placed.Compare(b.Placed), cmp.Compare(a.Alloc, b.Alloc))
	})
	if s.Count > 0 {
		s.Failure = e.failure()
	}
	return s
}

// failure is why instances are missing: what the newest instance that does not
// run died of, or why one could not be placed, whichever is newer.
func (e *entry) failure() *service.Failure {
	culprit, live := e.failed(), 0
	for _, in := range e.instances {
		if !in.live() {
			continue
		}
		live++
		if culprit != nil && in.endpoint.Running && in.created > culprit.created {
			culprit = nil
		}
	}
	for _, in := range e.instances {
		if in.live() && in.failure != nil && (culprit == nil || in.created > culprit.created) {
			culprit = in
		}
	}
	var f *service.Failure
	if culprit != nil && culprit.failure != nil {
		f = new(*culprit.failure)
		f.Log = culprit.log
		f.Final = f.Final || e.final(culprit)
		// Who is told that this is the end should be told all of it.
		f.Final = f.Final && (culprit.logged || f.Cause != service.Exited)
	}
	if e.lacking != nil && live < e.count && (f == nil || e.lacking.At.After(f.At)) {
		f = e.lacking
	}
	return f
}

// final reports whether Nomad has given up: the instance is over, none was
// planned in its place, and nothing is under way that could plan one.
func (e *entry) final(in *instance) bool {
	return in.failed && in.wanted && !in.replace && len(e.pending) == 0 && e.status != "pending"
}

// take returns the services that changed since the last call and what they are
// now, for those that are or were registered.
func (m *memory) take() []service.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.listed {
		return nil
	}
	var states []service.State
	for id := range m.dirty {
		e, ok := m.entries[id]
		if !ok {
			continue
		}
		s := e.state(id)
		if (e.sent == nil && !s.Registered) || (e.sent != nil && reflect.DeepEqual(*e.sent, s)) {
			continue
		}
		e.sent = &s
		states = append(states, s)
	}
	clear(m.dirty)
	return states
}
