package scheduler

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// tracked is what the engine remembers of one service. Engine.mu guards all of
// it but turn.
type tracked struct {
	id       service.ID
	module   string        // its key
	manifest service.Scale // what the version says; Max 0: not published
	scale    service.Scale // with the policies in it; Max 0: not published
	owner    string        // whose quota it counts towards
	instance Size          // what one instance reserves
	grace    time.Duration // how long calls in flight may finish when instances go
	deadline time.Duration // how long a start may take
	calendar calendar

	// turn holds one token. Who has put it there may change the count.
	turn   chan struct{}
	change *change // what the holder of the turn is doing; nil: nobody holds it

	seen     bool   // the cluster has told of it since the agent started
	round    uint64 // the tick that the cluster last told of it in
	count    int    // desired instances, as last heard or set
	revision uint64
	raised   time.Time
	changed  time.Time
	last     service.Decision // the newest one, to know our own work by

	stopped   bool
	stoppedBy string
	heldUntil time.Time

	learner *Learner // when it is called; nil: it was not
	called  bool     // in the minute that is watched

	peak      peak
	processor processor
	replaced  []time.Time // when instances were replaced, in the last hour
	failures  int         // failed starts in a row
	retryAt   time.Time   // no start of our own before then
	refusals  int         // changes in a row that were not applied
	notUntil  time.Time   // no change in that direction by the tick before then
	notDown   bool
}

// change is one change of a count under way.
type change struct {
	from, to int
	revoked  bool               // a call came: it is not wanted any more
	cancel   context.CancelFunc // ends the draining
}

// revoke tells the holder of the turn that a call came while it brings the
// service to zero. Engine.mu is held.
func (c *change) revoke() {
	c.revoked = true
	if c.cancel != nil {
		c.cancel()
	}
}

func newTracked(id service.ID) *tracked {
	return &tracked{id: id, turn: make(chan struct{}, 1)}
}

// backoff doubles from first with each failure up to most.
func backoff(failures int, first, most time.Duration) time.Duration {
	d := first
	for range failures - 1 {
		if d *= 2; d >= most {
			return most
		}
	}
	return d
}

// moved remembers that the count is what it is, from now on.
func (t *tracked) moved(count int, revision uint64, now time.Time) {
	if count > t.count {
		t.raised = now
	}
	if count == 0 {
		t.peak, t.processor = peak{}, processor{}
	}
	t.seen, t.count, t.revision, t.changed = true, count, revision, now
}

// waits reports whether the tick is to leave such a change for later.
func (t *tracked) waits(down bool, now time.Time) bool {
	return t.change != nil || down == t.notDown && now.Before(t.notUntil)
}

// failed remembers a start that was given up.
func (t *tracked) failed(now time.Time) {
	t.failures++
	t.retryAt = now.Add(backoff(t.failures, firstRetry, lastRetry))
}

// refused remembers a change that was not applied.
func (t *tracked) refused(down bool, now time.Time) {
	t.refusals, t.notDown = t.refusals+1, down
	t.notUntil = now.Add(backoff(t.refusals, firstRefusal, lastRefusal))
}

// The back-off after a failed start, and after a change that was not applied.
const (
	firstRetry   = 10 * time.Second
	lastRetry    = 10 * time.Minute
	firstRefusal = time.Second
	lastRefusal  = time.Minute
)

// peak is the largest of the values of the last while.
type peak struct {
	points []point // times ascend, values descend
}

type point struct {
	at    time.Time
	value int
}

// add notes a value and returns the largest one that is younger than window.
func (p *peak) add(now time.Time, value int, window time.Duration) int {
	n := len(p.points)
	for n > 0 && p.points[n-1].value <= value {
		n--
	}
	p.points = append(p.points[:n], point{now, value})
	old := 0
	for now.Sub(p.points[old].at) >= window {
		old++
	}
	p.points = p.points[:copy(p.points, p.points[old:])]
	return p.points[0].value
}
