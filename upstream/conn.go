package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const bufferSize = 4 << 10

// Conn is one connection, for one call at a time.
type Conn struct {
	pool   *Pool
	raw    net.Conn
	socket syscall.RawConn // nil: it cannot be looked at without reading from it
	look   func(fd uintptr) bool
	seen   bool // what look found

	in     *bufio.Reader
	out    *bufio.Writer
	sent   atomic.Int64 // bytes written for this call that the system took
	since  time.Time
	reused bool
	broken bool // not to be used for another call

	abort   func()      // made once: a call that is watched makes no garbage for it
	unwatch func() bool // ends the watch
	aborted atomic.Bool

	method  string  // of the request
	writing error   // what ended the writing of the request; nil: nothing did
	upload  *upload // nil: the body went with the head

	head []byte // of the answer
	big  *[bigSize]byte
	Response
	body framing
}

func newConn(p *Pool, raw net.Conn) *Conn {
	c := &Conn{pool: p, raw: raw}
	c.in = bufio.NewReaderSize(raw, bufferSize)
	c.out = bufio.NewWriterSize((*counted)(c), bufferSize)
	c.abort = func() {
		c.aborted.Store(true)
		_ = c.raw.SetDeadline(longAgo) // an error means that it is closed
	}
	c.socket = socketOf(raw)
	c.look = func(fd uintptr) bool {
		c.seen = peek(fd)
		return true // never wait
	}
	return c
}

var longAgo = time.Unix(1, 0)

// counted is where a connection's writer writes.
type counted Conn

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.raw.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// socketOf finds the socket below a connection.
func socketOf(conn net.Conn) syscall.RawConn {
	for {
		switch under := conn.(type) {
		case interface{ NetConn() net.Conn }: // TLS
			conn = under.NetConn()
		case syscall.Conn:
			if socket, err := under.SyscallConn(); err == nil {
				return socket
			}
			return nil
		default:
			return nil
		}
	}
}

// stale reports whether an idle connection was closed by the other side, or has
// bytes that no call has asked for.
func (c *Conn) stale() bool {
	if c.in.Buffered() > 0 {
		return true
	}
	if c.socket == nil {
		return false
	}
	c.seen = true
	return c.socket.Read(c.look) != nil || c.seen
}

// Reused reports whether the connection has served a call before.
func (c *Conn) Reused() bool { return c.reused }

// Unsent reports, after an error, whether nothing of the request was taken by
// the system, so that it cannot have arrived, and nothing of the body was read.
func (c *Conn) Unsent() bool {
	if c.upload != nil && !c.upload.held {
		select {
		case <-c.upload.done:
		default:
			return false // it may be about to
		}
	}
	return c.sent.Load() == 0
}

// Silent reports, after an error, whether nothing of an answer came.
func (c *Conn) Silent() bool { return len(c.head) == 0 && c.in.Buffered() == 0 }

// Watch makes everything that waits on the connection fail once ctx ends.
func (c *Conn) Watch(ctx context.Context) {
	if ctx.Done() != nil {
		c.unwatch = context.AfterFunc(ctx, c.abort)
	}
}

// Release gives the connection back. It is kept if the answer was read to its
// end, and closed otherwise. A body that is still being sent is cut off, and
// nothing reads from its source any more.
func (c *Conn) Release() {
	if c.unwatch != nil {
		if !c.unwatch() { // the watch has struck, or is about to
			c.broken = true
		}
		c.unwatch = nil
	}
	c.endUpload()
	if c.big != nil {
		bigBuffers.Put(c.big)
		c.big = nil
	}
	if cap(c.head) > headKept {
		c.head, c.Fields = nil, nil
	}
	keep := !c.broken && c.body.done && c.in.Buffered() == 0 && c.out.Buffered() == 0
	clear(c.Fields) // the texts are the last call's
	c.head = c.head[:0]
	c.writing, c.Response, c.body = nil, Response{Fields: c.Fields[:0]}, framing{}
	if !keep || !c.pool.put(c) {
		c.close()
	}
}

// linger is how long the end of a body may take to be written that was answered
// already.
const linger = 100 * time.Millisecond

func (c *Conn) endUpload() {
	u := c.upload
	if u == nil {
		return
	}
	c.upload = nil
	if u.held {
		c.broken = true // the other side may still wait for it
		return
	}
	if u.over() && c.body.done && !c.broken {
		// Nearly always it has just been written. If not, nobody reads it.
		_ = c.raw.SetWriteDeadline(time.Now().Add(linger)) // an error means that it is closed
		<-u.done
		_ = c.raw.SetWriteDeadline(time.Time{})
	} else {
		c.broken = true
		_ = c.raw.Close() // wakes a writer
		if !u.over() {
			u.cut()
		}
		<-u.done
	}
	c.broken = c.broken || u.err != nil
}

// Uploading reports whether a part of the body is still to be read from its
// source.
func (c *Conn) Uploading() bool { return c.upload != nil && !c.upload.over() }

func (c *Conn) close() {
	_ = c.raw.Close() // nothing more is wanted of it
}

// fail makes the connection unfit for another call and says why.
func (c *Conn) fail(err error) error {
	c.broken = true
	if c.upload != nil {
		if source := c.upload.failed.Load(); source != nil {
			return source
		}
	}
	if err == io.EOF { //nolint:errorlint // bare, as a connection gives it
		err = io.ErrUnexpectedEOF
	}
	return err
}
