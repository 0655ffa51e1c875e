package nomad

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

func TestAnOlderListUndoesNothing(t *testing.T) {
	now := time.Now()
	m := newMemory()
	m.merge(&listing{jobsIndex: 10, allocsIndex: 10}, now)
	m.mu.Lock()
	m.setJob(&jobStub{ID: "dyn-new", ModifyIndex: 20, JobModifyIndex: 20}, new(1))
	m.setJob(&jobStub{ID: "dyn-purged", ModifyIndex: 5, JobModifyIndex: 5}, new(1))
	m.dropJob("dyn-purged", 21)
	m.setAllocation(&allocation{ID: "a", JobID: "dyn-new", DesiredStatus: "run", ModifyIndex: 22})
	m.setAllocation(&allocation{ID: "a", JobID: "dyn-new", DesiredStatus: "stop", ModifyIndex: 11})
	m.mu.Unlock()
	// Read before all that, and arriving after it.
	m.merge(&listing{jobs: []jobStub{{ID: "dyn-purged", ModifyIndex: 5, JobModifyIndex: 5}}, counts: map[string]int{"dyn-purged": 1}, jobsIndex: 15, allocsIndex: 15}, now)

	if e := m.entries["dyn-new"]; e == nil || e.gone || e.count != 1 || len(e.instances) != 1 {
		t.Errorf("entry = %+v, want what the events said", e)
	}
	if e := m.entries["dyn-purged"]; e == nil || !e.gone {
		t.Errorf("entry = %+v, want it gone", e)
	}
	m.merge(&listing{jobsIndex: 25, allocsIndex: 25}, now)
	m.take()
	m.merge(&listing{jobsIndex: 26, allocsIndex: 26}, now)
	if len(m.entries) != 0 {
		t.Errorf("entries = %v, want none: the lists are newer", m.entries)
	}
}

func TestFresh(t *testing.T) {
	now := time.Now()
	m := newMemory()
	m.apply(nil, 0, now)
	if m.fresh(now) {
		t.Error("fresh before the first list")
	}
	m.merge(&listing{}, now)
	for after, want := range map[time.Duration]bool{0: true, silence: true, silence + 1: false} {
		if got := m.fresh(now.Add(after)); got != want {
			t.Errorf("fresh after %s = %t, want %t", after, got, want)
		}
	}
	m.apply(nil, 0, now.Add(silence)) // a heartbeat
	if !m.fresh(now.Add(silence + time.Second)) {
		t.Error("a heartbeat does not count")
	}
}

func TestOwnScaleIsKnownAtOnce(t *testing.T) {
	m := newMemory()
	m.merge(&listing{jobs: []jobStub{{ID: "dyn-a", ModifyIndex: 5, JobModifyIndex: 5}}, counts: map[string]int{"dyn-a": 0}, jobsIndex: 5}, time.Now())
	m.take()
	m.scaled("dyn-a", 2, 9)
	want := []service.State{{ID: "dyn-a", Registered: true, Count: 2, Revision: 9}}
	if diff := cmp.Diff(want, m.take()); diff != "" {
		t.Error(diff)
	}
	m.apply([]payload{{Job: &job{ID: "dyn-a", ModifyIndex: 6, JobModifyIndex: 5}}}, 6, time.Now())
	if got := m.take(); got != nil {
		t.Errorf("an older event told %v", got)
	}
}

// idleList is a cluster of n services that do nothing.
func idleList(n int) *listing {
	l := &listing{jobsIndex: uint64(n), counts: make(map[string]int, n)}
	for i := range n {
		id := fmt.Sprintf("dyn-some-module-name-%08x", i)
		l.jobs = append(l.jobs, jobStub{ID: id, Status: "dead", ModifyIndex: uint64(i), JobModifyIndex: uint64(i),
			Meta: map[string]string{metaDigest: fmt.Sprintf("sha256:%064x", i)}})
		l.counts[id] = 0
	}
	return l
}

func TestIdleServicesAreCheapToRemember(t *testing.T) {
	const n, limit = 10_000, 12 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := newMemory()
	m.merge(idleList(n), time.Now())
	if told := len(m.take()); told != n {
		t.Errorf("told %d services, want %d", told, n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > limit {
		t.Errorf("%d idle services take %d KiB, want at most %d", n, used>>10, limit>>10)
	} else {
		t.Logf("%d KiB", used>>10)
	}
	runtime.KeepAlive(m)
}

func BenchmarkMergeIdle(b *testing.B) {
	m, l := newMemory(), idleList(10_000)
	m.merge(l, time.Now())
	m.take()
	for b.Loop() {
		m.merge(l, time.Now())
		m.take()
	}
}

func BenchmarkStatesIdle(b *testing.B) {
	c := &Cluster{mem: newMemory()}
	c.mem.merge(idleList(10_000), time.Now())
	for b.Loop() {
		c.States()
	}
}
