package gateway

import (
	"context"
	"time"
)

// lease is the right to send one call to one endpoint.
type lease struct {
	m    *machine
	e    *endpoint
	cold *cold // the start that the call waited for; nil: it did not
}

// release gives the lease back. The zero lease, and one given back before, is
// left alone.
func (l *lease) release() {
	if l.e == nil {
		return
	}
	m, e := l.m, l.e
	l.e = nil
	if m.inFlight.Add(-1) == 0 {
		m.lastBusy.Store(time.Now().UnixNano())
	}
	// The endpoint's room is given back before queued is read, and a waiter is
	// in queued before it looks for room: one of the two sees the other.
	if last := e.release(); last || m.queued.Load() > 0 {
		m.mu.Lock()
		m.admit()
		m.broadcast()
		m.mu.Unlock()
	}
}

// acquire is the only way to an endpoint. It waits, if it must, until one is
// ready and has room, bounded by ctx and by a limit, 0 being the default. held is
// how much of the call's body is in memory.
func (m *machine) acquire(ctx context.Context, held int64, limit time.Duration, mt *meter) (lease, error) {
	if m.queued.Load() == 0 { // else it is not our turn
		if e := m.warm.Load().claim(); e != nil {
			m.inFlight.Add(1)
			return lease{m: m, e: e}, nil
		}
	}
	return m.wait(ctx, held, limit, mt, nil)
}

// wait is acquire for who has to wait. It calls beat now and then, unless that
// is nil.
func (m *machine) wait(ctx context.Context, held int64, limit time.Duration, mt *meter, beat func()) (lease, error) {
	w := &waiter{held: held, answer: make(chan answer, 1)}
	m.mu.Lock()
	woke, err := m.enter(ctx, w)
	if woke {
		m.start.meter = mt
	}
	m.mu.Unlock()
	if err != nil {
		return lease{}, err
	}
	defer m.g.waiting.Add(-1)
	mt.queue(woke)
	defer mt.unqueue()
	if limit == 0 {
		limit = m.hold()
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	var beats <-chan time.Time
	if beat != nil {
		ticker := time.NewTicker(m.g.opts.Heartbeat)
		defer ticker.Stop()
		beats = ticker.C
	}
wait:
	select {
	case a := <-w.answer:
		return a.lease, a.err
	case <-beats:
		beat()
		goto wait
	case <-ctx.Done():
		err = ended(ctx)
	case <-late.C:
		err = &lateError{name: m.name(), doing: "had no instance free", limit: limit, which: "wait"}
	case <-m.g.life.Done():
		err = errClosing
	}
	m.mu.Lock()
	waited := m.queue.remove(w)
	m.queued.Store(int64(m.queue.len()))
	m.touch()
	m.mu.Unlock()
	if !waited { // it was let in at the same moment
		a := <-w.answer
		a.lease.release()
	}
	return lease{}, err
}
