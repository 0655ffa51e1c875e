package lane

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readSize = 4 << 10  // what head and body are read with
	headSize = 16 << 10 // and if a head is longer: one that is longer still is not for the lane
	// lingering is how long a connection that has to be closed is left open for its
	// caller to read the answer, as in net/http.
	lingering = 500 * time.Millisecond
)

// expired is what until is of a connection that is closed because nothing came.
const expired = -1

// conn is one connection in the lane. Its goroutine reads a request, has it answered,
// and reads the next.
type conn struct {
	s      *Listener
	wire   net.Conn        // as it was accepted
	raw    net.Conn        // what is read and written: wire, or TLS over it
	gone   bool            // it was given away
	ctx    context.Context //nolint:containedctx // of all its requests
	cancel context.CancelFunc
	remote string

	in         []byte
	start, end int // of what was read into in and not used yet
	head       head
	res        response
	until      atomic.Int64 // unix ns: when a request must have begun to come; 0: one is being answered
	patience   patience
}

func newConn(s *Listener, wire net.Conn) *conn {
	c := &conn{s: s, wire: wire, raw: wire, remote: wire.RemoteAddr().String(), in: make([]byte, readSize)}
	c.ctx, c.cancel = context.WithCancel(s.base)
	c.head.req = (&http.Request{Header: http.Header{}, RemoteAddr: c.remote}).WithContext(c.ctx)
	c.res = response{c: c, header: http.Header{}}
	c.patience.c = c
	c.until.Store(s.now.Load() + int64(s.headerTimeout()))
	return c
}

// serve serves the connection until it ends or is handed over.
func (c *conn) serve() {
	defer func() {
		c.s.forget(c)
		c.cancel()
		if !c.gone {
			_ = c.raw.Close() // nothing more is wanted of it
		}
	}()
	if !c.greet() {
		return
	}
	for {
		if !c.await() {
			return
		}
		if c.skip(); c.start == c.end {
			continue
		}
		if !c.gather() {
			return
		}
		n, ok := c.head.read(c.in[c.start:c.end], c.s.prefixes)
		if !ok {
			read, state := c.in[c.start:c.end], c.head.req.TLS
			if state != nil && bytes.HasPrefix(read, pri) {
				return
			}
			c.gone = true
			c.head.forget()
			c.s.give(&handed{c.raw, read, state})
			return
		}
		c.start += n
		if !c.answer() {
			return
		}
	}
}

// await waits for the beginning of a request.
func (c *conn) await() bool {
	if c.start < c.end { // it came with the one before
		return !c.s.closing.Load()
	}
	until := c.until.Load()
	if until == 0 {
		until = c.s.now.Load() + int64(c.s.idleTimeout())
		c.until.Store(until)
	}
	if c.s.closing.Load() {
		return false
	}
	n, err := c.raw.Read(c.in)
	c.start, c.end = 0, n
	return err == nil && n > 0 && c.until.CompareAndSwap(until, 0)
}

// gather waits for the rest of a head whose beginning may be for the lane, as long as a
// head may take, and reports whether it came in time. What ends otherwise, or is too
// long, is left as it is: net/http meets the same.
func (c *conn) gather() bool {
	if c.whole() || !c.head.begins(c.in[c.start:c.end], c.s.prefixes) {
		return true
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(c.s.headerTimeout())) // an error means that it is closed
	defer func() { _ = c.raw.SetReadDeadline(time.Time{}) }()
	for !c.whole() && c.end-c.start < headSize {
		c.room()
		n, err := c.raw.Read(c.in[c.end:])
		c.end += n
		if err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return true
}

func (c *conn) whole() bool { return bytes.Contains(c.in[c.start:c.end], endOfHead) }

// room makes room behind what was read.
func (c *conn) room() {
	if c.end < len(c.in) {
		return
	}
	in := c.in
	if c.end-c.start == len(in) {
		c.in = make([]byte, headSize)
	}
	c.start, c.end = 0, copy(c.in, in[c.start:c.end])
}

// skip passes over the empty line that some old clients send behind a body, once, as
// net/http does.
func (c *conn) skip() {
	if c.head.req.Method != http.MethodPost {
		return
	}
	c.head.req.Method = ""
	for n := 0; n < 4 && c.start < c.end && (c.in[c.start] == '\r' || c.in[c.start] == '\n'); n++ {
		c.start++
	}
}

// answer has the request answered, and reports whether the connection is good for
// another.
func (c *conn) answer() (again bool) {
	r := c.head.req
	var b *body
	if n := c.head.length; n > 0 {
		b = &body{c: c}
		b.left.Store(n)
		r.Body = b
	}
	c.res.begin(r, b)
	c.patience.begin(b)
	ended := false
	defer func() {
		if !ended {
			c.broken(recover())
		}
	}()
	c.s.calls.ServeHTTP(&c.res, r)
	ended = true
	again = c.res.finish()
	c.patience.end()
	again = again && c.ctx.Err() == nil
	c.head.forget()
	c.res.forget()
	return again
}

// broken ends the connection of a request whose handler panicked.
func (c *conn) broken(cause any) {
	_ = c.res.flush() // what there is of the answer; the caller sees that it is not whole
	c.patience.end()
	if cause != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
		stack := make([]byte, 64<<10)
		stack = stack[:runtime.Stack(stack, false)]
		c.s.log.Error("call panicked", "addr", c.remote, "error", cause, "stack", string(stack))
	}
}

// linger gives the caller time to read an answer though not all of its request was
// read: closing at once would take the answer from it.
func (c *conn) linger() {
	_ = closeWrite(c.raw)
	_ = c.raw.SetReadDeadline(time.Now().Add(lingering)) // an error means that it is closed
	var into [1 << 10]byte                               // not the connection's: somebody may still read the body from there
	for left := drainLimit; left > 0; {
		n, err := c.raw.Read(into[:])
		if err != nil {
			return
		}
		left -= n
	}
}

// patience waits for the caller to leave while a request goes unanswered.
type patience struct {
	c     *conn
	timer *time.Timer

	mu       sync.Mutex // guards what follows
	over     sync.Cond
	body     *body
	handling bool // a request is being answered
	watching bool // somebody reads from the connection
}

// patient is how long a request may go unanswered before somebody waits for its caller
// to leave: most are answered sooner.
const patient = 25 * time.Millisecond

func (p *patience) begin(b *body) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling, p.body = true, b
	if p.timer == nil {
		p.over.L = &p.mu
		p.timer = time.AfterFunc(patient, p.watch)
		return
	}
	p.timer.Reset(patient)
}

// watch reads on while the request is being answered. What it reads is the next one's.
// It does not begin before all of this one was read: who reads that finds out itself
// whether its caller is still there.
func (p *patience) watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.c
	switch {
	case !p.handling, p.watching:
		return
	case p.body != nil && p.body.left.Load() > 0:
		p.timer.Reset(patient)
		return
	}
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	room := c.in[c.end:]
	if len(room) == 0 {
		return
	}
	p.watching = true
	p.mu.Unlock()
	n, err := c.raw.Read(room)
	p.mu.Lock()
	p.watching = false
	c.end += n
	if err != nil && p.handling {
		c.cancel()
	}
	p.over.Broadcast()
}

// end ends the watch, so that the connection is the caller's alone again.
func (p *patience) end() {
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling, p.body = false, nil
	if !p.watching {
		return
	}
	_ = p.c.raw.SetReadDeadline(longAgo) // an error means that it is closed
	for p.watching {
		p.over.Wait()
	}
	_ = p.c.raw.SetReadDeadline(time.Time{})
}

var longAgo = time.Unix(1, 0)
