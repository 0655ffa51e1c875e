package lane

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Listener takes connections for the lane from the listener below it, and gives those
// that the lane does not take to the server that accepts from it.
type Listener struct {
	net.Listener
	srv      *http.Server
	calls    http.Handler
	log      hclog.Logger
	prefixes []string
	secure   *tls.Config     // nil: connections are plain
	base     context.Context //nolint:containedctx // what all requests' contexts have in common, as a server has it

	given   chan net.Conn
	failed  chan error
	closed  chan struct{}
	closing atomic.Bool // as closed, cheaper to ask
	once    sync.Once
	err     error        // of closing
	now     atomic.Int64 // unix ns, as of the last look
	date    atomic.Pointer[string]

	mu    sync.Mutex // guards conns
	conns map[*conn]struct{}
	left  sync.WaitGroup // connections in the lane, and what accepts them
}

const (
	tick          = time.Second // between two looks at the connections: timeouts are so exact
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
)

// New returns the listener that srv is to accept from in place of l. Requests below
// one of the prefixes are for calls, whoever serves them; srv serves all others. Where
// srv has a TLSConfig the lane speaks TLS by it; srv is to Serve in any case.
func New(l net.Listener, srv *http.Server, calls http.Handler, log hclog.Logger, prefixes ...string) *Listener {
	base := context.WithValue(context.Background(), http.ServerContextKey, srv)
	s := &Listener{Listener: l, srv: srv, calls: calls, log: log, prefixes: prefixes, secure: secure(srv),
		base:  context.WithValue(base, http.LocalAddrContextKey, l.Addr()),
		given: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}), conns: map[*conn]struct{}{}}
	if s.secure != nil {
		tell(srv)
	}
	s.look(time.Now())
	s.left.Go(s.accept)
	s.left.Go(s.watch)
	return s
}

// Accept returns the next connection that the lane gave away.
func (s *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-s.given:
		return conn, nil
	case err := <-s.failed:
		return nil, err
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// accept takes in connections until the listener is closed. An error is for who
// accepts from here, and the next attempt is made when they have it: a server pauses
// before it comes back.
func (s *Listener) accept() {
	for {
		raw, err := s.Listener.Accept()
		if err != nil {
			select {
			case s.failed <- err:
				continue
			case <-s.closed:
				return
			}
		}
		c := newConn(s, raw)
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.left.Go(c.serve)
	}
}

// give hands a connection over.
func (s *Listener) give(conn net.Conn) {
	select {
	case s.given <- conn:
	case <-s.closed:
		_ = conn.Close() // nobody accepts any more
	}
}

func (s *Listener) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// watch looks at the connections now and then.
func (s *Listener) watch() {
	every := tick
	if d := min(s.headerTimeout(), s.idleTimeout()) / 4; d < every {
		every = max(d, time.Millisecond)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			s.expire(0) // whoever waits for a request gets none
			return
		case now := <-ticker.C:
			s.look(now)
			s.expire(now.UnixNano())
		}
	}
}

// look notes the time.
func (s *Listener) look(now time.Time) {
	s.now.Store(now.UnixNano())
	date := "Date: " + now.UTC().Format(http.TimeFormat) + "\r\n"
	s.date.Store(&date)
}

// expire has the connections closed that wait for a request, or for a caller to greet,
// and should not, as of now; 0: all that wait. Each is closed by its own goroutine, for
// with TLS that is to say goodbye, and some callers would not hear it.
func (s *Listener) expire(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if until := c.until.Load(); until > 0 && (now == 0 || now >= until) && c.until.CompareAndSwap(until, expired) {
			_ = c.wire.SetDeadline(longAgo) // an error means that it is closed
		}
	}
}

func (s *Listener) headerTimeout() time.Duration {
	return timeout(s.srv.ReadHeaderTimeout, headerTimeout)
}
func (s *Listener) idleTimeout() time.Duration { return timeout(s.srv.IdleTimeout, idleTimeout) }

func timeout(set, otherwise time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return otherwise
}

// Close stops taking connections and closes those that wait for a request. Requests
// that are being answered are, and their connections closed after them.
func (s *Listener) Close() error {
	s.once.Do(func() {
		s.closing.Store(true)
		s.err = s.Listener.Close()
		close(s.closed)
	})
	return s.err
}

// Shutdown is Close, and waits until all requests in the lane are answered or ctx
// ends. It is beside the server's own, which knows only the connections that it has.
func (s *Listener) Shutdown(ctx context.Context) error {
	err := s.Close()
	ended := make(chan struct{})
	go func() {
		s.left.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Abort closes all connections in the lane, whatever they do.
func (s *Listener) Abort() error {
	err := s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cancel()
		_ = c.wire.Close() // its goroutine finds out
	}
	return err
}
