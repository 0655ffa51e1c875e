package nomad

import (
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// silence is how long the cluster may say nothing (no event, heartbeat or list)
// before what is remembered counts as stale.
const silence = 30 * time.Second

// memory is what is known of the cluster. Lists and events reach it in any order
// and more than once: every object carries Nomad's index of its last change, and
// what is older than what is known is ignored.
type memory struct {
	mu      sync.Mutex // guards all that follows
	entries map[service.ID]*entry
	dirty   map[service.ID]struct{} // services to be looked at by the emitter
	heard   time.Time
	listed  bool   // a full list has been merged
	jobs    uint64 // Nomad's index of the last full list of jobs
	allocs  uint64 // the same of allocations

	wake chan struct{} // has a token while dirty may not be empty
}

// entry is one service. An idle one is most of what there is, so it is small.
type entry struct {
	index    uint64 // Nomad's, of what is known of the job itself
	gone     bool   // purged; kept until a newer list agrees, so that an older one does not bring it back
	stopped  bool
	status   string
	digest   string
	count    int
	revision uint64 // the job's modify index, which a scaling compares
	raised   uint64 // the revision at which the count last grew or the job's text changed

	instances map[string]*instance
	pending   map[string]uint64 // evaluations that are under way, and their index
	lacking   *service.Failure  // the last evaluation could not place everything
	judged    uint64            // index of the evaluation that lacking, or its absence, comes from

	sent *service.State // as changed was last told; nil: never
}

func newMemory() *memory {
	return &memory{entries: make(map[service.ID]*entry), dirty: make(map[service.ID]struct{}), wake: make(chan struct{}, 1)}
}

// touch has the emitter look at a service. m.mu is held.
func (m *memory) touch(id service.ID) {
	m.dirty[id] = struct{}{}
	if m.listed {
		m.signal()
	}
}

func (m *memory) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *memory) fresh(now time.Time) bool { return m.listed && now.Sub(m.heard) <= silence }

// entry returns what is known of a service and makes a place for it if need be.
// m.mu is held.
func (m *memory) entry(id service.ID) *entry {
	e, ok := m.entries[id]
	if !ok {
		e = &entry{gone: true}
		m.entries[id] = e
	}
	return e
}

// setJob takes in a job. count is nil where the source does not tell it, which
// is so only for a job whose revision is known already. m.mu is held.
func (m *memory) setJob(j *jobStub, count *int) {
	id := service.ID(j.ID)
	e := m.entry(id)
	if j.ModifyIndex < e.index {
		return
	}
	digest := j.Meta[metaDigest]
	if j.JobModifyIndex != e.revision && count != nil {
		if *count > e.count || digest != e.digest || e.gone || e.stopped {
			e.raise(j.JobModifyIndex)
		}
		e.count, e.revision = *count, j.JobModifyIndex
	}
	e.index, e.gone, e.stopped, e.status, e.digest = j.ModifyIndex, false, j.Stop, j.Status, digest
	m.touch(id)
}

// raise marks that instances were asked for anew: what went wrong before does
// not tell anything about these.
func (e *entry) raise(revision uint64) {
	e.raised, e.lacking = revision, nil
	e.forget()
}

// scaled takes in a change of our own before the cluster tells of it.
func (m *memory) scaled(id service.ID, to int, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	if !ok || e.gone || revision <= e.revision {
		return
	}
	if to > e.count {
		e.raise(revision)
	}
	e.count, e.revision, e.index = to, revision, revision
	m.touch(id)
}

// dropJob takes in that a job was purged. m.mu is held.
func (m *memory) dropJob(id service.ID, index uint64) {
	e, ok := m.entries[id]
	if !ok || index < e.index {
		return
	}
	*e = entry{index: index, gone: true, sent: e.sent}
	m.touch(id)
}

// setAllocation takes in an allocation. m.mu is held.
func (m *memory) setAllocation(a *allocation) {
	id := service.ID(a.JobID)
	e := m.entry(id)
	old, known := e.instances[a.ID]
	if known && a.ModifyIndex < old.index {
		return
	}
	in := newInstance(a)
	if !in.live() && !in.failed {
		if known {
			delete(e.instances, a.ID)
			m.touch(id)
		}
		return
	}
	if known && old.failure != nil && in.failure != nil && old.failure.At.Equal(in.failure.At) {
		in.asked, in.logged, in.log = old.asked, old.logged, old.log
	}
	if e.instances == nil {
		e.instances = make(map[string]*instance)
	}
	e.instances[a.ID] = in
	e.forget()
	m.touch(id)
}

// forget drops failed instances that say nothing any more: all but the newest.
func (e *entry) forget() {
	newest := e.failed()
	for id, in := range e.instances {
		if !in.live() && in != newest {
			delete(e.instances, id)
		}
	}
	if len(e.instances) == 0 {
		e.instances = nil
	}
}

// failed is the newest failed instance since the last raise.
func (e *entry) failed() *instance {
	var newest *instance
	for _, in := range e.instances {
		if in.failed && in.created >= e.raised && (newest == nil || in.created > newest.created) {
			newest = in
		}
	}
	return newest
}

// setEvaluation takes in an evaluation. m.mu is held.
func (m *memory) setEvaluation(v *evaluation) {
	id := service.ID(v.JobID)
	e, ok := m.entries[id]
	if !ok {
		return
	}
	if v.pending() {
		if e.pending == nil {
			e.pending = make(map[string]uint64)
		}
		e.pending[v.ID] = v.ModifyIndex
		return
	}
	if _, ok := e.pending[v.ID]; ok {
		delete(e.pending, v.ID)
		if len(e.pending) == 0 {
			e.pending = nil
		}
		m.touch(id)
	}
	if v.ModifyIndex <= e.judged || v.ModifyIndex < e.raised || v.Status == api.EvalStatusCancelled {
		return
	}
	e.judged, e.lacking = v.ModifyIndex, unplaced(v)
	m.touch(id)
}

// apply takes in one batch of events about jobs that begin with prefix.
func (m *memory) apply(payloads []payload, index uint64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = now
	for _, p := range payloads {
		switch {
		case p.Job != nil && p.Deleted:
			m.dropJob(service.ID(p.Job.ID), index)
		case p.Job != nil:
			m.setJob(p.Job.stub(), new(p.Job.count()))
		case p.Allocation != nil:
			m.setAllocation(p.Allocation)
		case p.Evaluation != nil:
			m.setEvaluation(p.Evaluation)
		}
	}
}
