package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// world is a cluster, its instances and its scheduler, as far as one service is
// concerned, played at random.
type world struct {
	t   *testing.T
	g   *Gateway
	id  service.ID
	rng *rand.Rand // guarded by mu

	limit int // calls in flight an endpoint may have

	mu      sync.Mutex
	count   int
	next    int // number of the next allocation
	allocs  []service.Endpoint
	up      map[string]bool // addr -> answers
	proved  map[string]bool // addr -> has ever answered a probe
	failure *service.Failure
	waking  int
	sealed  bool // drained to zero and not scaled yet: nothing may be let in
	calm    bool // no more faults
}

// pair is a module with two versions, between which its tag is moved.
type pair struct {
	g      *Gateway
	worlds [2]*world
	mod    service.Module
	tagged *world
	moved  time.Time
}

func newPair(t *testing.T, seed uint64) *pair {
	p := &pair{mod: service.Module{Name: "Subject"}}
	p.g = New(hclog.NewNullLogger(), p, Options{QueueLength: 20})
	p.g.try = func(ctx context.Context, _ *machine, e *endpoint) error { return p.of(e.addr).try(ctx, e) }
	for i := range p.worlds {
		w := &world{t: t, g: p.g, id: service.ID(fmt.Sprintf("dyn-subject-%08d", i+1)), rng: rand.New(rand.NewPCG(seed, uint64(i+1))),
			limit: int((seed+uint64(i))%2) * 3, up: map[string]bool{}, proved: map[string]bool{}, next: i * 1_000_000}
		p.worlds[i] = w
		p.mod.Versions = append(p.mod.Versions, service.Version{
			ID: w.id, Module: "Subject", Version: fmt.Sprintf("%d.0.0", i+1),
			Run:   service.Run{Port: 80, Health: service.Health{StartDeadline: service.Duration{Duration: 30 * time.Second}}},
			Scale: service.Scale{MaxConcurrency: w.limit},
		})
	}
	p.move(p.worlds[0])
	return p
}

// move moves the tag.
func (p *pair) move(to *world) {
	if p.tagged != to {
		p.tagged, p.moved = to, time.Now()
	}
	p.mod.Tags = map[string]service.ID{service.Release: to.id}
	p.g.Publish(p.mod)
}

// of finds the world that an address is in.
func (p *pair) of(addr string) *world {
	var n int
	if _, err := fmt.Sscanf(addr, "10.0.0.1:%d", &n); err != nil {
		panic(err)
	}
	return p.worlds[n/1_000_000]
}

func (p *pair) Wake(ctx context.Context, id service.ID) error {
	for _, w := range p.worlds {
		if w.id == id {
			return w.wake(ctx)
		}
	}
	return service.ErrNotFound
}

// pick is where a caller of the tag is sent, and looks at why.
func (p *pair) pick() *world {
	n, err := p.g.resolve("subject", "")
	if err != nil {
		p.tagged.t.Fatal(err)
	}
	to, other := n.pick(nil)
	w := p.worlds[0]
	if to.version.ID != w.id {
		w = p.worlds[1]
	}
	switch {
	case other == "" && w != p.tagged, other != "" && (w == p.tagged || other != w.id):
		w.t.Errorf("sent to %s, said to be %q, the tag means %s", w.id, other, p.tagged.id)
	case other != "" && time.Since(p.moved) > MoveLimit:
		w.t.Errorf("sent to the version before, %s after the move", time.Since(p.moved))
	case other != "" && p.g.machine(p.tagged.id).takes():
		w.t.Error("sent to the version before although the new one takes calls")
	}
	return w
}

// chance is true once in n.
func (w *world) chance(n int) bool { return !w.calm && w.rng.IntN(n) == 0 }

// grain makes events fall together often.
const grain = 50 * time.Millisecond

func (w *world) pause(most time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.rng.Int64N(int64(most/grain))+1) * grain
}

func (w *world) try(ctx context.Context, e *endpoint) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(w.pause(6 * grain)):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.up[e.addr] {
		return errors.New("connection refused")
	}
	w.proved[e.addr] = true
	return nil
}

func (w *world) wake(ctx context.Context) error {
	w.mu.Lock()
	w.waking++
	if w.waking > 1 {
		w.t.Error("two wakes at once")
	}
	w.mu.Unlock()
	delay := time.NewTimer(w.pause(3 * time.Second))
	defer delay.Stop()
	defer func() { w.mu.Lock(); w.waking--; w.mu.Unlock() }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-delay.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.chance(6) {
		return errors.New("the quota is used up")
	}
	if w.count == 0 {
		w.scale(1)
	}
	return nil
}

// scale changes the count; mu is held here and in tell.
func (w *world) scale(to int) {
	w.count = to
	for len(w.allocs) > to {
		delete(w.up, w.allocs[len(w.allocs)-1].Addr)
		w.allocs = w.allocs[:len(w.allocs)-1]
	}
	for len(w.allocs) < to {
		w.next++
		addr := fmt.Sprintf("10.0.0.1:%d", w.next)
		w.allocs = append(w.allocs, service.Endpoint{Alloc: fmt.Sprint("a", w.next), Index: len(w.allocs), Addr: addr})
		w.up[addr] = w.calm || w.rng.IntN(3) > 0
	}
	w.failure = nil
}

// tell applies what is, as the watcher of a cluster does: a copy, in order.
func (w *world) tell() {
	st := service.State{ID: w.id, Registered: true, Count: w.count, Failure: w.failure}
	st.Endpoints = append(st.Endpoints, w.allocs...)
	if w.count == 0 {
		w.sealed = false
	}
	w.g.Apply(st)
}

// happen does something to the world.
func (w *world) happen() {
	w.mu.Lock()
	switch w.rng.IntN(12) {
	case 0, 1: // an instance starts or stops to answer
		for addr := range w.up {
			w.up[addr] = !w.up[addr]
			break
		}
	case 2, 3, 4:
		w.tell()
	case 5: // someone else changes the count
		if !w.sealed {
			w.scale(w.rng.IntN(4))
			w.tell()
		}
	case 6: // an instance is lost, and another takes its place
		if n := len(w.allocs); n > 0 && !w.sealed {
			delete(w.up, w.allocs[n-1].Addr)
			w.allocs = w.allocs[:n-1]
			w.tell()
			w.scale(w.count)
		}
	case 7:
		w.failure = &service.Failure{Cause: service.NoCapacity, Text: "no room", At: time.Now(), Final: w.rng.IntN(2) == 0}
		w.tell()
	case 8:
		w.sealed = false
		w.g.SetStopped(w.id, w.rng.IntN(3) == 0)
	case 9, 10, 11:
		keep := w.rng.IntN(3)
		w.mu.Unlock()
		w.lower(keep)
		return
	}
	w.mu.Unlock()
}

// lower is what a scheduler does to lower the count.
func (w *world) lower(keep int) {
	ctx, cancel := context.WithTimeout(context.Background(), w.pause(4*time.Second))
	defer cancel()
	m := w.g.machine(w.id)
	if !w.g.Drain(ctx, w.id, keep) {
		return
	}
	m.mu.Lock()
	for _, e := range m.endpoints {
		if e.draining && e.inFlight() > 0 {
			w.t.Error("drained with calls in flight")
		}
	}
	closing := m.phase == service.Closing
	m.mu.Unlock()
	w.mu.Lock()
	w.sealed = closing && keep == 0
	w.mu.Unlock()
	<-time.After(w.pause(time.Second)) // callers come meanwhile
	w.mu.Lock()
	defer w.mu.Unlock()
	if !closing && keep == 0 {
		return // it was idle, broken or stopped
	}
	if w.rng.IntN(3) == 0 {
		w.sealed = false
		w.g.Open(w.id)
		return
	}
	w.scale(min(keep, w.count))
	if w.rng.IntN(2) == 0 {
		w.tell()
	}
}

// call is one caller; it reports whether it was let in.
func (w *world) call(patience time.Duration) bool {
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errGone)
	defer cancel()
	m := w.g.machine(w.id)
	l, err := m.acquire(ctx, 10, 0, m.meters.of(""))
	if err != nil {
		l.release()
		return false
	}
	defer l.release()
	w.mu.Lock()
	e := l.e
	if !w.proved[e.addr] {
		w.t.Errorf("let in to %s, which has never answered", e.addr)
	}
	if w.sealed {
		w.t.Error("let in between the end of a drain and the scaling to 0")
	}
	answers := w.up[e.addr]
	fault := w.chance(10)
	w.mu.Unlock()
	if n := e.inFlight(); n < 1 || w.limit > 0 && n > int64(w.limit) {
		w.t.Errorf("%d calls in flight at one endpoint", n)
	}
	if !answers || fault {
		m.eject(e, errors.New("connection refused"))
		return false
	}
	<-time.After(w.pause(2 * time.Second))
	return true
}

// Whatever happens in whatever order, tags that move and the gateway's own end
// among it: no waiter is lost, no wake is doubled, no call goes to what has not
// answered, nothing leaks, and in the end each service can be called.
func TestTheMachineUnderRandomEvents(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() || raceDetector {
		seeds = 20
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, seed)
			ctx, stop := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- p.g.Run(ctx) }()
			var callers sync.WaitGroup
			for i := range 500 {
				if i%120 == 119 { // long enough for a move to end, and for penalties
					<-time.After(2 * time.Minute)
				}
				w := p.worlds[p.worlds[0].draw(2)]
				<-time.After(w.pause(500 * time.Millisecond))
				synctest.Wait()
				for _, w := range p.worlds {
					w.look()
				}
				switch w.draw(10) {
				case 0, 1, 2:
					w.happen()
				case 3:
					if w.draw(5) == 0 {
						p.move(w)
					}
				case 4, 5, 6:
					w = p.pick()
					fallthrough
				default:
					callers.Go(func() { w.call(w.pause(20 * time.Second)) })
				}
			}
			end := func() {
				stop()
				if err := <-ran; err != nil {
					t.Error(err)
				}
			}
			if seed%3 == 0 { // the gateway ends under its callers
				end()
				callers.Wait()
				synctest.Wait()
				for _, w := range p.worlds {
					w.empty(seed)
				}
				return
			}
			callers.Wait()
			for _, w := range p.worlds {
				w.settle(seed)
			}
			end()
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// draw is a number below n.
func (w *world) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

// look checks what must hold whenever nothing moves.
func (w *world) look() {
	m := w.g.machine(w.id)
	m.mu.Lock()
	defer m.mu.Unlock()
	broken := func(what string) {
		w.t.Errorf("%s: phase %s, count %d, %d queued, waking %v, warm %d", what, m.phase, m.state.Count, m.queue.len(), m.waking, len(*m.warm.Load()))
	}
	room := false
	warm := map[*endpoint]bool{}
	for _, e := range *m.warm.Load() {
		warm[e.endpoint] = true
		room = room || e.limit == 0 || e.inFlight() < e.limit
		if m.endpoints[e.alloc] != e.endpoint || !e.ready {
			broken("an endpoint is warm that is not ready")
		}
	}
	for _, e := range m.endpoints {
		if open := e.word.Load()&shut == 0; open != warm[e] {
			broken("an endpoint is open and not warm, or warm and not open")
		}
		if !e.ready && e.probing == nil && m.phase != service.Stopped {
			broken("nobody probes an endpoint that is not ready")
		}
	}
	switch {
	case m.queued.Load() != int64(m.queue.len()):
		broken("the queue's length is wrong")
	case m.inFlight.Load() < 0:
		broken("fewer than none in flight")
	case m.queue.len() > 0 && room:
		broken("somebody waits although there is room")
	case m.queue.len() > 0 && (m.phase == service.Idle || m.phase == service.Broken || m.phase == service.Stopped),
		m.queue.len() > 0 && m.phase == service.Closing && !m.drained:
		broken("somebody waits for nothing")
	case (m.start != nil) != (m.phase == service.Starting):
		broken("a start without its phase, or a phase without its start")
	case m.phase == service.Ready && !m.anyReady():
		broken("ready without an endpoint")
	case m.phase == service.Idle && (m.state.Count > 0 || len(m.endpoints) > 0):
		broken("idle with instances")
	}
}

// empty checks that nobody is left.
func (w *world) empty(seed uint64) {
	m := w.g.machine(w.id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if in, q := m.inFlight.Load(), m.queued.Load(); in != 0 || q != 0 || m.queue.len() != 0 || m.queue.held != 0 {
		w.t.Errorf("seed %d: %d in flight, %d queued, %d waiting, %d bytes after the last caller", seed, in, q, m.queue.len(), m.queue.held)
	}
	for _, e := range m.endpoints {
		if n := e.inFlight(); n != 0 {
			w.t.Errorf("seed %d: %d in flight at %s after the last caller", seed, n, e.addr)
		}
	}
}

// settle ends all faults and looks at what is left.
func (w *world) settle(seed uint64) {
	synctest.Wait() // a waiter hears its answer before the queue's length is written
	w.empty(seed)
	w.mu.Lock()
	w.calm = true
	for addr := range w.up {
		w.up[addr] = true
	}
	w.failure = nil
	w.sealed = false
	w.g.SetStopped(w.id, false)
	w.g.Open(w.id)
	w.tell()
	w.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	watcher.Go(func() { // hears of what the wake does
		for ctx.Err() == nil {
			<-time.After(time.Second)
			w.mu.Lock()
			w.tell()
			w.mu.Unlock()
		}
	})
	<-time.After(longestBackoff) // a start from before may still fail
	if !w.call(time.Hour) {
		w.t.Errorf("seed %d: the service cannot be called in the end: %+v", seed, w.g.Loads())
	}
	stop()
	watcher.Wait()
}
