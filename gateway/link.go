package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// link is a connection to an endpoint that can tell when it is closed.
type link struct {
	net.Conn
	cutter atomic.Pointer[cutter]
	closed atomic.Bool
}

func (l *link) Close() error {
	l.closed.Store(true)
	if c := l.cutter.Load(); c != nil {
		c.cut()
	}
	return l.Conn.Close()
}

// cutter ends the upload of a call whose connection to the endpoint is closed.
// The transport reports no error before it has done with the body, and a caller
// that is slow to send would keep it, and itself, waiting.
type cutter struct {
	body   *body
	caller *http.ResponseController
	ctx    context.Context //nolint:containedctx // the call's, to tell who was first to end it
	link   *link

	mu    sync.Mutex // guards what follows, and caller from use after the call
	over  bool
	fired bool // the endpoint was first to go; net/http then cancels ctx, as if the caller had left
}

// watch makes the cutter follow a connection, in place of the one before.
func (c *cutter) watch(l *link) {
	c.leave()
	c.link = l
	l.cutter.Store(c)
	if l.closed.Load() {
		c.cut()
	}
}

func (c *cutter) leave() {
	if c.link != nil {
		c.link.cutter.CompareAndSwap(c, nil) // it may serve another call by now
	}
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over && !c.body.ended.Load() {
		c.fired = c.fired || c.ctx.Err() == nil
		_ = c.caller.SetReadDeadline(time.Now()) // a writer that cannot has no slow sender behind it
	}
}

// ended reports whether the upload was cut off because the endpoint went.
func (c *cutter) ended() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fired
}

// end says that the call is over.
func (c *cutter) end() {
	c.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}
