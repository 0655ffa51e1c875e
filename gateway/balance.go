package gateway

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// set is the endpoints that take calls. It never changes.
type set []slot

// slot is one endpoint in a set.
type slot struct {
	*endpoint
	weight int64 // how many times a call counts; 1, and more while the instance is fresh
}

// claim takes the less busy of two endpoints chosen at random, else any that
// has room.
func (s *set) claim() *endpoint {
	if s == nil || len(*s) == 0 {
		return nil
	}
	all := *s
	first := 0
	if n := len(all); n > 1 {
		first = rand.IntN(n)
		second := rand.IntN(n - 1)
		if second >= first {
			second++
		}
		if all[second].load() < all[first].load() {
			first = second
		}
	}
	for i := range all {
		if e := all[(first+i)%len(all)].endpoint; e.claim() {
			return e
		}
	}
	return nil
}

// load is how busy the endpoint would be with one call more.
func (s *slot) load() int64 { return (s.inFlight() + 1) * s.weight }

// A fresh instance has cold caches and connections to make: until it is this
// old, each of its calls counts that many times against those of the others.
var freshness = []struct {
	age    time.Duration
	weight int64
}{{time.Second, 8}, {3 * time.Second, 4}, {7 * time.Second, 2}}

// weight of an instance of that age, and when it changes; 0: never again.
func weight(age time.Duration) (weight int64, in time.Duration) {
	for _, f := range freshness {
		if age < f.age {
			return f.weight, f.age - age
		}
	}
	return 1, 0
}

// An endpoint that failed is passed over while others are there, for longer
// each time.
const (
	firstPenalty   = 5 * time.Second
	longestPenalty = time.Minute
)

// punish begins an endpoint's penalty; one that it has already goes on. The
// machine's mutex is held, here and in the rest of this file.
func (e *endpoint) punish(now time.Time) {
	if now.Before(e.penalty) {
		return
	}
	if now.Sub(e.penalty) > longestPenalty {
		e.offences = 0
	}
	e.penalty = now.Add(min(firstPenalty<<min(e.offences, 10), longestPenalty))
	e.offences++
}

// rebuild makes the set that the warm path reads: the endpoints that take calls,
// but for those under a penalty, unless there are no others. Who waits is let in.
func (m *machine) rebuild() {
	now := time.Now()
	var next time.Duration // until the set would come out otherwise; 0: never
	sooner := func(in time.Duration) {
		if in > 0 && (next == 0 || in < next) {
			next = in
		}
	}
	warm, aside := make(set, 0, len(m.endpoints)), set(nil)
	closed := m.phase == service.Closing || m.phase == service.Stopped
	for _, e := range m.endpoints {
		if !e.ready || e.draining || closed {
			e.setOpen(false)
			continue
		}
		share, changes := weight(now.Sub(e.since))
		if left := e.penalty.Sub(now); left > 0 {
			sooner(left)
			aside = append(aside, slot{e, share})
			continue
		}
		if len(m.endpoints) > 1 {
			sooner(changes)
		}
		warm = append(warm, slot{e, share})
	}
	if len(warm) == 0 {
		warm, aside = aside, nil
	}
	for _, s := range aside {
		s.setOpen(false)
	}
	for _, s := range warm {
		s.setOpen(true)
	}
	m.warm.Store(&warm)
	m.refresh(next)
	m.admit() // one that leaves can make room: the others' penalties count no more
}

// refresh has the set made anew after a while, in place of the time before.
func (m *machine) refresh(in time.Duration) {
	switch {
	case in == 0 && m.refreshing != nil:
		m.refreshing.Stop()
	case in == 0:
	case m.refreshing != nil:
		m.refreshing.Reset(in)
	default:
		m.refreshing = time.AfterFunc(in, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.g.life.Err() == nil {
				m.rebuild()
				m.broadcast()
			}
		})
	}
}

// shun passes an endpoint over that says itself that it has too much to do.
func (m *machine) shun(e *endpoint) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.endpoints[e.alloc] != e || time.Now().Before(e.penalty) {
		return
	}
	e.punish(time.Now())
	m.g.log.Debug("endpoint passed over", "service", m.id, "alloc", e.alloc, "addr", e.addr,
		"reason", "it answered 503 with Retry-After", "until", e.penalty)
	m.rebuild()
	m.broadcast()
}

// heed takes in the head of an answer: an instance that refuses a call and says
// when to come again has too many.
func (c *call) heed(status int, h http.Header) {
	if status == http.StatusServiceUnavailable && len(h["Retry-After"]) > 0 {
		c.lease.m.shun(c.lease.e)
	}
}
