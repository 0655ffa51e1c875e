package gateway

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// track brings the endpoints to those of the State, and probes those that are
// not ready. The machine's mutex is held, here and in the rest of this file.
func (m *machine) track() {
	v := m.version.Load()
	listed := make(map[string]*service.Endpoint, len(m.state.Endpoints))
	if m.state.Count > 0 && v != nil {
		for i := range m.state.Endpoints {
			listed[m.state.Endpoints[i].Alloc] = &m.state.Endpoints[i]
		}
	}
	for alloc, e := range m.endpoints {
		if seen := listed[alloc]; seen == nil || seen.Addr != e.addr || (seen.Transport == service.Mesh) != e.mesh {
			m.unready(e)
			e.stopProbe()
			e.drop()
			delete(m.endpoints, alloc)
		}
	}
	for alloc, seen := range listed {
		e := m.endpoints[alloc]
		if e == nil {
			e = newEndpoint(*seen, v.Scale.MaxConcurrency)
			m.endpoints[alloc] = e
		}
		e.running = seen.Running
		m.judgeCheck(e, seen.Check)
		m.watch(e)
	}
	m.rebuild()
}

// judgeCheck takes in Consul's verdict. Before it has been passing, critical
// only means that Consul has not looked yet.
func (m *machine) judgeCheck(e *endpoint, check service.Check) {
	e.check = check
	switch {
	case !e.ready:
	case check == service.Passing:
		e.passed = true
	case check == service.Critical && e.passed:
		m.g.log.Info("endpoint left", "service", m.id, "alloc", e.alloc, "addr", e.addr, "reason", "its check is critical")
		m.unready(e)
	}
}

// unready takes an endpoint's calls away.
func (m *machine) unready(e *endpoint) {
	if e.ready {
		e.silent = time.Now()
	}
	e.ready, e.passed = false, false
	e.setOpen(false)
}

func (m *machine) anyReady() bool { return m.readyCount() > 0 }

func (m *machine) readyCount() int {
	n := 0
	for _, e := range m.endpoints {
		if e.ready {
			n++
		}
	}
	return n
}

// watch probes an endpoint until it answers.
func (m *machine) watch(e *endpoint) {
	if e.ready || e.probing != nil || e.addr == "" || m.phase == service.Stopped {
		return
	}
	ctx, cancel := context.WithCancel(m.g.life)
	e.probing = cancel
	m.g.spawn(func() {
		defer cancel()
		m.probe(ctx, e)
	})
}

func (e *endpoint) stopProbe() {
	if e.probing != nil {
		e.probing()
		e.probing = nil
	}
}

// answered makes an endpoint ready whose probe was answered.
func (m *machine) answered(ctx context.Context, e *endpoint) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil || m.endpoints[e.alloc] != e {
		return // it vanished, or was stopped, at the same moment
	}
	e.stopProbe()
	e.ready, e.since = true, time.Now()
	e.silent, e.answered = time.Time{}, true
	e.passed = e.check == service.Passing
	if m.phase == service.Starting || m.phase == service.Broken {
		if m.start != nil {
			m.cold = m.start.timing()
			if m.start.meter != nil {
				m.start.meter.started(m.cold)
			}
		}
		m.failures = 0
		m.enterPhase(service.Ready, "an instance answered")
	}
	m.rebuild()
	m.broadcast()
}

// missed notes what a probe met.
func (m *machine) missed(e *endpoint, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.start != nil && m.endpoints[e.alloc] == e {
		m.start.probed = err
	}
}

// eject takes an endpoint out to which no connection could be made; it is
// probed again.
func (m *machine) eject(e *endpoint, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.endpoints[e.alloc] != e || !e.ready {
		return
	}
	m.g.log.Warn("endpoint left", "service", m.id, "alloc", e.alloc, "addr", e.addr, "error", err)
	m.unready(e)
	e.punish(time.Now())
	m.watch(e)
	m.rebuild()
	m.settle("no endpoint is left", m.state)
	m.broadcast()
}
