package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
)

const (
	firstProbeTimeout   = 300 * time.Millisecond
	longestProbeTimeout = 5 * time.Second
	// probeBody is read of an answer so that its connection can be used again.
	probeBody = 64 << 10
)

// pause is how long to wait before the next probe of an endpoint that has been
// probed for so long. A start is known to be under way: backing off further
// would only add to it.
func pause(probed time.Duration) time.Duration {
	switch {
	case probed < 2*time.Second:
		return 25 * time.Millisecond
	case probed < 10*time.Second:
		return 50 * time.Millisecond
	}
	return 250 * time.Millisecond
}

// probe asks an endpoint until it answers or ctx ends.
func (m *machine) probe(ctx context.Context, e *endpoint) {
	began, timeout := time.Now(), firstProbeTimeout
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		once, cancel := context.WithTimeout(ctx, timeout)
		err := m.g.try(once, m, e)
		slow := errors.Is(once.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil {
			m.answered(ctx, e)
			return
		}
		if slow {
			timeout = min(2*timeout, longestProbeTimeout)
		}
		m.missed(e, err)
		timer.Reset(pause(time.Since(began)))
	}
}

// doubt asks an endpoint once whether it still answers, because a call to it
// broke off, and ejects it if it does not. One that takes its time is spared: a
// program that does one thing at a time is busy, not gone.
func (m *machine) doubt(e *endpoint) {
	if !e.doubting.CompareAndSwap(false, true) {
		return
	}
	m.g.spawn(func() {
		defer e.doubting.Store(false)
		ctx, cancel := context.WithTimeout(m.g.life, firstProbeTimeout)
		defer cancel()
		if err := m.g.try(ctx, m, e); err != nil && ctx.Err() == nil {
			m.eject(e, err)
		}
	})
}

// ask sends one probe over the transport that calls use, and leaves the
// connection for them. A connection alone proves nothing: a port mapper or a
// sidecar accepts before the program does.
func (g *Gateway) ask(ctx context.Context, m *machine, e *endpoint) error {
	path := m.version.Load().Run.Health.Path
	if path == "" {
		path = "/"
	}
	at, err := url.Parse(path)
	if err != nil {
		return fmt.Errorf("health path %q: %w", path, err)
	}
	if speaksHTTP2(m.version.Load()) {
		status, err := m.askBridged(ctx, e, at)
		switch {
		case err != nil:
			return plainly(err)
		case !healthy(at.Path, status):
			return fmt.Errorf("GET %s was answered with status %d", path, status)
		}
		return nil
	}
	conn, err := m.pool(e).Get(ctx)
	if err != nil {
		return plainly(err)
	}
	defer conn.Release()
	conn.Watch(ctx)
	err = conn.Send(&upstream.Request{
		Method: http.MethodGet, Target: at.RequestURI(), Host: e.addr, Header: http.Header{"User-Agent": {"dynsvc-probe"}},
	})
	if err == nil {
		err = conn.ReadHead()
	}
	if err != nil {
		return plainly(err)
	}
	if !healthy(at.Path, conn.Status) {
		return fmt.Errorf("GET %s was answered with status %d", path, conn.Status)
	}
	// An answer that goes on for ever is an answer, too.
	for read := 0; read < probeBody; {
		p, err := conn.Next()
		if err != nil {
			break
		}
		read += len(p)
	}
	return nil
}

// healthy reports whether a status says that the program can take calls. Of the
// default path nothing is promised but that the program speaks HTTP: JSON-RPC
// servers answer a GET with 404, 405, 500 or 501. What stands in front of a
// program that does not listen yet says 502, 503 or 504. A path that the
// manifest names must say that all is well.
func healthy(path string, status int) bool {
	if path == "/" {
		return status < http.StatusBadGateway || status > http.StatusGatewayTimeout
	}
	return status >= 200 && status < 400
}

// plainly shortens an error to what a developer can act on.
func plainly(err error) error {
	if t := net.Error(nil); errors.As(err, &t) && t.Timeout() {
		return errors.New("no answer in time")
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
