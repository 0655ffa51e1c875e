package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// machine is one service in the gateway.
//
//	       a call: wake                      a probe answered
//	idle ───────────────────▶ starting ─────────────────────────▶ ready
//	 ▲   count > 0: no wake    │  ▲  ▲                            │ ▲
//	 │                  failed │  │  └──── no endpoint is left ───┤ │ Open, ctx over, or
//	 │                         ▼  │ a call after the back-off:    │ │ a call before the
//	 │                       broken  wake                Drain 0  │ │ last answer
//	 │                                                            ▼ │
//	 └────────────────────────────────────────────────────────── closing
//	                         count 0 and nobody waits
//
// Further: with count 0, starting and ready are idle, too; but whoever waits is
// not left: then closing, ready and starting wake and go on in starting. Broken
// becomes ready when a probe is answered after all, and starting when the count
// rises. SetStopped leads from anywhere to stopped, and from there, and from
// broken, to where the count says.
//
// In starting and closing calls wait; in broken and stopped they are refused;
// in ready they wait only while every endpoint has all the calls it may have.
// At most one wake is under way.
type machine struct {
	g  *Gateway
	id service.ID

	version  atomic.Pointer[service.Version] // nil: a State came before the module
	warm     atomic.Pointer[set]             // endpoints that take calls
	inFlight atomic.Int64
	queued   atomic.Int64 // length of queue
	lastBusy atomic.Int64 // unix ns when the last call ended; 0: never
	roused   atomic.Int64 // unix ns when it was last started for no call's sake
	meters   meters

	mu         sync.Mutex // guards what follows
	phase      service.Phase
	since      time.Time
	state      service.State
	endpoints  map[string]*endpoint // by allocation
	queue      queue
	start      *start           // not nil in starting
	waking     bool             // the waker was asked and has not answered
	cold       *cold            // how the last start went
	failure    *service.Failure // not nil in broken
	failures   int              // starts that failed since the last ready
	again      time.Time        // end of the back-off
	drained    bool             // closing, and nothing is in flight: the count may be 0 at any moment
	refreshing *time.Timer      // makes warm anew when a penalty or an instance's youth ends; nil: never yet
	changed    chan struct{}    // closed when something changed that Drain waits for; nil: nobody waits
}

func newMachine(g *Gateway, id service.ID) *machine {
	return &machine{g: g, id: id, phase: service.Idle, since: time.Now(), endpoints: map[string]*endpoint{}}
}

// enter puts a call in the queue and sees to it that it will be let in. It
// reports whether the call was the one to wake the service.
func (m *machine) enter(ctx context.Context, w *waiter) (woke bool, err error) {
	switch {
	case m.phase == service.Stopped:
		return false, &stoppedError{m.name()}
	case m.phase == service.Broken && time.Now().Before(m.again):
		return false, m.startError()
	case m.queue.len() >= m.g.opts.QueueLength,
		m.queue.len() > 0 && m.queue.held+w.held > m.g.opts.QueueBytes:
		return false, &fullError{m.name(), m.queue.len()}
	case m.g.waiting.Load() >= int64(m.g.opts.QueueTotal):
		return false, roomError(fmt.Sprintf("holds %d calls", m.g.waiting.Load()))
	}
	m.g.waiting.Add(1)
	m.queue.push(w)
	m.queued.Store(int64(m.queue.len()))
	switch m.phase {
	case service.Idle, service.Broken:
		m.begin("a call came")
		m.wake(ctx)
		woke = true
	case service.Closing:
		if !m.drained {
			m.reopen("a call came")
		}
	case service.Ready:
		m.g.opts.Queued(m.id)
	}
	w.cold = m.phase == service.Starting || m.phase == service.Closing
	m.admit()
	return woke, nil
}

// admit lets in who has waited longest, as far as there is room.
func (m *machine) admit() {
	for m.queue.len() > 0 {
		e := m.warm.Load().claim()
		if e == nil {
			break
		}
		w := m.queue.pop()
		m.inFlight.Add(1)
		l := lease{m: m, e: e}
		if w.cold {
			l.cold = m.cold
		}
		w.answer <- answer{lease: l}
	}
	m.queued.Store(int64(m.queue.len()))
}

// apply takes in a new State. Everything follows from it and from what is
// queued and ready: nothing from how it differs from the one before, but that a
// count that rises ends a back-off.
func (m *machine) apply(st service.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.state
	m.state = st
	m.track()
	m.settle("the cluster says so", before)
	if m.phase == service.Starting {
		m.start.observe(m.endpoints)
		m.judge()
	}
	m.broadcast()
}

// settle moves to the phase that the State calls for.
func (m *machine) settle(reason string, before service.State) {
	switch {
	case m.phase == service.Stopped:
	case m.state.Count == 0:
		m.emptied(reason)
	case m.phase == service.Idle,
		m.phase == service.Broken && before.Count == 0,
		m.phase == service.Ready && !m.anyReady():
		m.begin(reason)
		m.start.old = before.Failure
	}
}

// emptied is settle for a count of zero.
func (m *machine) emptied(reason string) {
	switch {
	case m.phase == service.Broken:
	case m.phase == service.Starting && m.waking: // the State may be older than the wake
	case m.phase == service.Starting && m.queue.len() > 0:
		m.wake(m.g.life)
	case m.queue.len() > 0:
		m.begin("calls wait and the count is 0")
		m.wake(m.g.life)
	default:
		m.enterPhase(service.Idle, reason)
	}
}

// judge ends a start of which the cluster says that it failed.
func (m *machine) judge() {
	f := m.state.Failure
	if f == nil || m.anyReady() || same(f, m.start.old) {
		return
	}
	// A program that ended twice before it answered once is not going to: the
	// cluster may try it for half a minute more, and the callers would wait.
	hint := m.start.hint
	twice := f.Cause == service.Exited && hint != nil && hint.Cause == service.Exited && (m.start.twice || !same(f, hint))
	if twice && m.start.await(f) {
		return
	}
	if !f.Final && f.Cause != service.NoCapacity && !twice {
		m.start.hint = f // it is being tried again
		return
	}
	for _, e := range m.endpoints {
		if e.alloc != f.Alloc && (f.Alloc != "" || f.Cause == service.NoCapacity) {
			return // it is about another instance than this one, which may still do
		}
	}
	m.fail(f)
}

// same reports whether two failures are one and the same event.
func same(a, b *service.Failure) bool {
	return a != nil && b != nil && a.Cause == b.Cause && a.Alloc == b.Alloc && a.At.Equal(b.At) && a.Text == b.Text
}

// fail ends a start: everybody who waits is told, and until the back-off ends
// everybody who comes.
func (m *machine) fail(f *service.Failure) {
	m.failures++
	backoff := min(firstBackoff<<min(m.failures-1, 10), longestBackoff)
	m.failure, m.again = f, time.Now().Add(backoff)
	m.enterPhase(service.Broken, "the start failed: "+f.Text)
	m.g.log.Warn("start failed", "service", m.id, "reason", f.Cause, "error", f.Text, "backoff", backoff.String())
	m.queue.fail(m.startError())
	m.queued.Store(0)
	m.touch()
}

const (
	firstBackoff   = 10 * time.Second
	longestBackoff = 10 * time.Minute
)

func (m *machine) startError() error {
	return &startError{name: m.name(), failure: m.failure, again: m.again}
}

// setStopped closes the service to calls or opens it.
func (m *machine) setStopped(stopped bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case stopped && m.phase != service.Stopped:
		m.enterPhase(service.Stopped, "an admin stopped it")
		for _, e := range m.endpoints {
			m.unready(e)
			e.stopProbe()
		}
		m.rebuild()
		m.queue.fail(&stoppedError{m.name()})
		m.queued.Store(0)
		m.touch()
	case !stopped && (m.phase == service.Stopped || m.phase == service.Broken):
		m.failures, m.again = 0, time.Time{}
		m.enterPhase(service.Idle, "an admin started it")
		m.track()
		m.settle("the count is above 0", service.State{Failure: m.state.Failure})
	}
	m.broadcast()
}

// enterPhase is the only writer of phase.
func (m *machine) enterPhase(to service.Phase, reason string) {
	if m.phase == to {
		return
	}
	m.g.log.Info("phase changed", "service", m.id, "from", m.phase, "to", to, "reason", reason)
	if m.start != nil {
		m.start.timer.Stop()
		m.start = nil
	}
	if m.g.opts.Phased != nil {
		m.g.opts.Phased(m.id, to, reason)
	}
	m.phase, m.since, m.drained = to, time.Now(), false
	if to != service.Broken {
		m.failure = nil
	}
}

// publish says which version the service runs; without it nothing is known of
// how to probe it.
func (m *machine) publish(v *service.Version) {
	if m.version.Swap(v) != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.phase != service.Stopped {
		m.track()
	}
}

// name is the service for a person.
func (m *machine) name() string {
	if v := m.version.Load(); v != nil {
		return v.Module + " " + v.Version
	}
	return string(m.id)
}

// startDeadline is how long a start may take.
func (m *machine) startDeadline() time.Duration {
	if v := m.version.Load(); v != nil && v.Run.Health.StartDeadline.Duration > 0 {
		return v.Run.Health.StartDeadline.Duration
	}
	return defaultStartDeadline
}

// hold is how long a call may wait that has no limit of its own. It outlasts a start, so that the
// one who came first learns why the start failed.
func (m *machine) hold() time.Duration {
	if m.g.opts.Hold > 0 {
		return m.g.opts.Hold
	}
	return m.startDeadline() + 5*time.Second
}

// touch notes that something just ended, if nothing else goes on.
func (m *machine) touch() {
	if m.inFlight.Load()+m.queued.Load() == 0 {
		m.lastBusy.Store(time.Now().UnixNano())
	}
}

func (m *machine) broadcast() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

func (m *machine) load() service.Load {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := service.Load{
		ID: m.id, Phase: m.phase, Since: m.since,
		InFlight: int(m.inFlight.Load()), Queued: m.queue.len(), Ready: m.readyCount(), Failure: m.failure,
	}
	for _, e := range m.endpoints {
		if !e.ready && !e.draining {
			l.Silent = append(l.Silent, service.Silent{Alloc: e.alloc, Since: e.silent, Before: e.answered})
		}
	}
	switch last := m.lastBusy.Load(); {
	case l.InFlight+l.Queued > 0:
		l.LastBusy = time.Now()
	case last != 0:
		l.LastBusy = time.Unix(0, last)
	}
	return l
}

// failureOf makes a reason out of an error of the waker.
func failureOf(err error) *service.Failure {
	if f := new(service.Failure); errors.As(err, &f) {
		return f
	}
	return &service.Failure{Cause: service.Rejected, Text: err.Error(), Final: true, At: time.Now()}
}
