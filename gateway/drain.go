package gateway

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

func (m *machine) drain(ctx context.Context, keep int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if keep <= 0 {
		return m.drainAll(ctx)
	}
	return m.drainAbove(ctx, keep)
}

// drainAbove empties the endpoints that go when the count is lowered to keep.
func (m *machine) drainAbove(ctx context.Context, keep int) bool {
	var leaving []*endpoint
	goes, stays := false, false // endpoints that are ready
	for _, e := range m.endpoints {
		if e.index >= keep {
			leaving = append(leaving, e)
			goes = goes || e.ready
		} else {
			stays = stays || e.ready
		}
	}
	if goes && !stays {
		return false // calls would have nowhere to go
	}
	for _, e := range leaving {
		e.draining = true
	}
	m.rebuild()
	empty := m.await(ctx, func() bool {
		for _, e := range leaving {
			if e.inFlight() > 0 {
				return false
			}
		}
		return true
	})
	if !empty {
		m.undrain()
	}
	return empty
}

// drainAll closes the service: see the drawing at machine.
func (m *machine) drainAll(ctx context.Context) bool {
	switch m.phase {
	case service.Starting:
		if m.waking || m.queue.len() > 0 {
			return false
		}
		fallthrough
	case service.Ready:
		if m.queue.len() > 0 {
			return false
		}
		m.enterPhase(service.Closing, "the count is to be 0")
		m.rebuild()
	}
	quiet := m.await(ctx, func() bool {
		return m.quiet() || m.phase == service.Ready || m.phase == service.Starting
	})
	switch m.phase {
	case service.Closing:
		// Who comes from here on waits for the count to be 0 and wakes it again.
		m.drained = quiet
		if !quiet {
			m.reopen("it did not come to rest in time")
		}
		return quiet
	case service.Idle, service.Broken, service.Stopped:
		return quiet
	}
	return false // a call came
}

// quiet reports whether nothing is in flight.
func (m *machine) quiet() bool {
	for _, e := range m.endpoints {
		if e.inFlight() > 0 {
			return false
		}
	}
	return m.inFlight.Load() == 0
}

// await waits, the mutex released meanwhile, until done or ctx ends, and
// reports which.
func (m *machine) await(ctx context.Context, done func() bool) bool {
	for !done() {
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return done()
		}
	}
	return true
}

func (m *machine) open() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.undrain()
	if m.phase == service.Closing {
		m.reopen("the count stays")
	}
	m.admit()
	m.broadcast()
}

func (m *machine) undrain() {
	for _, e := range m.endpoints {
		e.draining = false
	}
	m.rebuild()
}

// reopen leaves closing for where the service stood.
func (m *machine) reopen(reason string) {
	m.enterPhase(service.Ready, reason)
	m.settle(reason, m.state)
	m.rebuild()
	m.broadcast()
}
