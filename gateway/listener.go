package gateway

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bound returns a listener with at most n connections at once. One more is told
// to come again and closed, so that it does not wait for what others leave.
func Bound(l net.Listener, n int) net.Listener { return &bounded{Listener: l, most: int64(n)} }

type bounded struct {
	net.Listener
	most int64
	open atomic.Int64
}

const (
	full        = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\n\r\nthe gateway has all the connections it may have: try again later\n"
	fullTimeout = 100 * time.Millisecond
)

// Accept returns the next connection that there is room for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if b.open.Add(1) <= b.most {
			return &counted{Conn: conn, left: func() { b.open.Add(-1) }}, nil
		}
		b.open.Add(-1)
		_ = conn.SetWriteDeadline(time.Now().Add(fullTimeout)) // it goes in any case
		_, _ = io.WriteString(conn, full)
		_ = conn.Close()
	}
}

// counted is a connection that says once that it was closed.
type counted struct {
	net.Conn
	once sync.Once
	left func()
}

// CloseWrite tells the other side that nothing more comes: an answer that ends a
// connection is to be read before that is gone.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil // it is about to be closed whole
}

func (c *counted) Close() error {
	c.once.Do(c.left)
	return c.Conn.Close()
}
