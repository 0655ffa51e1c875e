package upstream

import (
	"context"
	"net/http"
)

// RoundTrip sends a request and waits for the head of its answer; the connection is to
// be given back by [Conn.Release]. A connection that was found closed as it was about to
// be written is replaced, and so is one that died without a word if the request may
// arrive twice. With a [DialError] nothing was written, nor read of the body.
func (p *Pool) RoundTrip(ctx context.Context, r *Request) (*Conn, error) {
	conn, err := p.Get(ctx)
	for err == nil {
		conn.Watch(ctx)
		if err = conn.Send(r); err == nil {
			if err = conn.ReadHead(); err == nil {
				return conn, nil
			}
		}
		unsent := conn.Unsent()
		again := conn.Reused() && ctx.Err() == nil && (unsent || r.repeats() && conn.Silent())
		conn.Release()
		if unsent {
			err = &DialError{err}
		}
		if !again {
			break
		}
		conn, err = p.Dial(ctx)
	}
	return nil, err
}

// repeats reports whether the request may arrive twice, and can: as its maker says, or
// because HTTP says that it changes nothing.
func (r *Request) repeats() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return r.Stream == nil && (r.Repeat || len(r.Body) == 0)
	}
	return r.Stream == nil && r.Repeat
}
