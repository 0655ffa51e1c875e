package upstream

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Client is what the pools of a program share. Its fields are set before the
// first pool is made.
type Client struct {
	// IdleTimeout is how long a connection may stay unused. It is to be below
	// that of the servers: one that closes a connection just as it is used again
	// loses a call that may not be sent twice.
	IdleTimeout time.Duration
	IdleEach    int   // idle connections kept by one pool
	IdleAll     int64 // idle connections kept by all pools together
	HeadLimit   int   // bytes of an answer's header, or of its trailer

	idle atomic.Int64 // connections kept by all pools
}

// Dial makes a connection to the endpoint of a pool.
type Dial func(ctx context.Context) (net.Conn, error)

// DialError is a connection that could not be made: nothing was written.
type DialError struct{ Err error }

func (e *DialError) Error() string { return e.Err.Error() }

// Unwrap gives the error of [Dial].
func (e *DialError) Unwrap() error { return e.Err }

// Pool is the connections to one endpoint. Those in use belong to who got them;
// the pool knows only the idle ones.
type Pool struct {
	client *Client
	dial   Dial

	mu     sync.Mutex // guards what follows
	idle   []*Conn    // the one used last comes last, and is the first to be used again
	reaper *time.Timer
	closed bool
}

// Pool returns a pool without connections.
func (c *Client) Pool(dial Dial) *Pool { return &Pool{client: c, dial: dial} }

// Get returns a connection of which nothing was used yet, or one that is idle
// and still open. It must be given back by [Conn.Release]. The error is a
// [DialError].
func (p *Pool) Get(ctx context.Context) (*Conn, error) {
	for {
		c := p.pop()
		if c == nil {
			return p.Dial(ctx)
		}
		if !c.stale() {
			c.reused = true
			return c, nil
		}
		c.close()
	}
}

// Dial is Get of a new connection.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	raw, err := p.dial(ctx)
	if err != nil {
		return nil, &DialError{err}
	}
	return newConn(p, raw), nil
}

func (p *Pool) pop() *Conn {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	if now.Sub(c.since) >= p.client.IdleTimeout {
		return nil // all others are older; the reaper is about to come
	}
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.client.idle.Add(-1)
	return c
}

// put keeps a connection for the next call and reports whether there is room.
func (p *Pool) put(c *Conn) bool {
	if p.client.idle.Add(1) > p.client.IdleAll {
		p.client.idle.Add(-1)
		return false
	}
	c.since = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.client.IdleEach {
		p.client.idle.Add(-1)
		return false
	}
	p.idle = append(p.idle, c)
	if len(p.idle) == 1 {
		if p.reaper == nil {
			p.reaper = time.AfterFunc(p.client.IdleTimeout, p.reap)
		} else {
			p.reaper.Reset(p.client.IdleTimeout)
		}
	}
	return true
}

// reap closes what was idle for too long.
func (p *Pool) reap() {
	now := time.Now()
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].since) >= p.client.IdleTimeout {
		n++
	}
	old := p.take(n)
	if len(p.idle) > 0 {
		p.reaper.Reset(p.client.IdleTimeout - now.Sub(p.idle[0].since))
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// take removes the n oldest idle connections. The mutex is held.
func (p *Pool) take(n int) []*Conn {
	old := append([]*Conn(nil), p.idle[:n]...)
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	p.client.idle.Add(int64(-n))
	return old
}

// Close closes the idle connections, and those in use when they are released.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.reaper != nil {
		p.reaper.Stop()
	}
	old := p.take(len(p.idle))
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}
