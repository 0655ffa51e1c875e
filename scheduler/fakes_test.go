package scheduler_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// cluster holds counts, compares and sets them, and takes some time for it.
type cluster struct {
	mu     sync.Mutex
	states map[service.ID]service.State
	frozen []service.State // what States tells instead, where the watcher lags
	stale  bool
	rev    uint64
	errs   []error // of the next calls of Scale
	takes  time.Duration
	inside int // calls of Scale now
	most   int // at once
}

func newCluster(ids ...service.ID) *cluster {
	c := &cluster{states: map[service.ID]service.State{}, rev: 100}
	for _, id := range ids {
		c.put(id, 0)
	}
	return c
}

// put is what someone else does to a count.
func (c *cluster) put(id service.ID, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rev++
	c.states[id] = service.State{ID: id, Registered: true, Count: count, Revision: c.rev, Endpoints: make([]service.Endpoint, count)}
}

func (c *cluster) change(id service.ID, f func(*service.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.states[id]
	f(&st)
	c.states[id] = st
}

// fail makes the next requests end with these errors.
func (c *cluster) fail(errs ...error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = errs
}

// slow makes each request take so long.
func (c *cluster) slow(takes time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takes = takes
}

// silence makes the watcher say that it has heard nothing lately.
func (c *cluster) silence(stale bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = stale
}

// freeze makes the watcher tell what is now from now on.
func (c *cluster) freeze(frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = nil
	if frozen {
		c.frozen = slices.Collect(maps.Values(c.states))
	}
}

func (c *cluster) count(id service.ID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states[id].Count
}

func (c *cluster) Scale(_ context.Context, s service.Scaling) (uint64, error) {
	c.mu.Lock()
	c.inside++
	c.most = max(c.most, c.inside)
	takes := c.takes
	c.mu.Unlock()
	if takes > 0 {
		<-time.After(takes)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside--
	if len(c.errs) > 0 {
		err := c.errs[0]
		if c.errs = c.errs[1:]; err != nil {
			return 0, err
		}
	}
	st, ok := c.states[s.ID]
	if !ok {
		return 0, service.Errorf(service.ErrNotFound, "no job %s", s.ID)
	}
	if s.Revision != 0 && s.Revision != st.Revision {
		return 0, service.Errorf(service.ErrConflict, "revision %d, not %d", st.Revision, s.Revision)
	}
	c.rev++
	st.Count, st.Revision, st.Failure = s.To, c.rev, nil
	st.Endpoints = make([]service.Endpoint, s.To)
	c.states[s.ID] = st
	return st.Revision, nil
}

func (c *cluster) State(_ context.Context, id service.ID) (service.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st, ok := c.states[id]
	if !ok {
		return st, service.Errorf(service.ErrNotFound, "no job %s", id)
	}
	return st, nil
}

func (c *cluster) States() ([]service.State, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		return c.frozen, !c.stale
	}
	return slices.Collect(maps.Values(c.states)), !c.stale
}

// gate holds loads, and how far each service is closed to calls.
type gate struct {
	mu      sync.Mutex
	loads   map[service.ID]service.Load
	closed  map[service.ID]int // instances that still get calls
	stopped map[service.ID]bool
	busy    map[service.ID]bool // calls that do not end
	refuse  map[service.ID]bool // calls come at once
}

func newGate() *gate {
	return &gate{
		loads: map[service.ID]service.Load{}, closed: map[service.ID]int{},
		stopped: map[service.ID]bool{}, busy: map[service.ID]bool{}, refuse: map[service.ID]bool{},
	}
}

func (g *gate) put(l service.Load) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loads[l.ID] = l
}

// call says whether calls of a service do not end, and whether calls come while
// it closes.
func (g *gate) call(id service.ID, busy, refuse bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy[id], g.refuse[id] = busy, refuse
}

func (g *gate) isStopped(id service.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopped[id]
}

func (g *gate) Loads() []service.Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.loads))
}

func (g *gate) Drain(ctx context.Context, id service.ID, keep int) bool {
	g.mu.Lock()
	g.closed[id] = keep
	busy, refuse := g.busy[id], g.refuse[id]
	g.mu.Unlock()
	if busy {
		<-ctx.Done()
	}
	return !busy && !refuse
}

func (g *gate) Open(id service.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.closed, id)
}

func (g *gate) SetStopped(id service.ID, stopped bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped[id] = stopped
}

// isClosed reports whether a service is closed to calls, and how many instances
// still get some.
func (g *gate) isClosed(id service.ID) (keep int, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	keep, closed = g.closed[id]
	return keep, closed
}
