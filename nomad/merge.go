package nomad

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// listing is a full read of what belongs to dynsvc. Its indexes were taken when
// the read began, so that what came to be while it went on is not missed.
type listing struct {
	jobs        []jobStub
	counts      map[string]int // of the jobs whose revision was not known
	jobsIndex   uint64
	allocations []*allocation // those that run or should
	allocsIndex uint64
}

// merge takes in a full list: what is on it counts unless something newer is
// known, and what is not on it is gone unless it came later. It reports whether
// Nomad's indexes went backwards, as they do when a snapshot is restored; then
// everything known before is dropped.
func (m *memory) merge(l *listing, now time.Time) (backwards bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listed && (l.jobsIndex < m.jobs || l.allocsIndex < m.allocs) {
		backwards = true
		m.reset()
	}
	listed := make(map[service.ID]bool, len(l.jobs))
	for i := range l.jobs {
		j := &l.jobs[i]
		listed[service.ID(j.ID)] = true
		if n, ok := l.counts[j.ID]; ok {
			m.setJob(j, &n)
		} else if e := m.entry(service.ID(j.ID)); e.revision == j.JobModifyIndex {
			m.setJob(j, nil)
		}
	}
	placed := make(map[string]bool, len(l.allocations))
	for _, a := range l.allocations {
		placed[a.ID] = true
		m.setAllocation(a)
	}
	for id, e := range m.entries {
		for alloc, in := range e.instances {
			if !placed[alloc] && in.live() && in.index <= l.allocsIndex {
				delete(e.instances, alloc)
				m.touch(id)
			}
		}
		for eval, index := range e.pending {
			if e.status == "dead" && index <= l.jobsIndex {
				delete(e.pending, eval)
				m.touch(id)
			}
		}
		if listed[id] || e.index > l.jobsIndex {
			continue
		}
		if !e.gone {
			*e = entry{index: l.jobsIndex, gone: true, sent: e.sent}
			m.touch(id)
		} else if e.sent == nil || !e.sent.Registered {
			delete(m.entries, id)
		}
	}
	m.heard, m.listed, m.jobs, m.allocs = now, true, l.jobsIndex, l.allocsIndex
	m.signal()
	return backwards
}

// reset forgets everything but what was told. m.mu is held.
func (m *memory) reset() {
	for id, e := range m.entries {
		*e = entry{gone: true, sent: e.sent}
		m.touch(id)
	}
	m.jobs, m.allocs = 0, 0
}

// unknown returns those of the jobs whose count has to be read: the revision is
// not the one that is known.
func (m *memory) unknown(jobs []jobStub) []jobStub {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []jobStub
	for _, j := range jobs {
		if e, ok := m.entries[service.ID(j.ID)]; !ok || e.gone || e.revision != j.JobModifyIndex {
			out = append(out, j)
		}
	}
	return out
}
