package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

// forward sends the call to the endpoint that it has a lease of, and its answer
// back.
func (c *call) forward() {
	if upgrades(c.in) {
		c.upgrade()
		return
	}
	if speaksHTTP2(c.to.version) {
		c.bridge()
		return
	}
	conn, err := c.send()
	if err != nil {
		c.refuse(err)
		return
	}
	defer conn.Release()
	c.answer(conn)
}

// send sends the call until an endpoint has answered. It is sent again only if
// nothing of it was written, or if it is idempotent and its body is kept.
func (c *call) send() (*upstream.Conn, error) {
	ctx := c.in.Context()
	for {
		m, e := c.lease.m, c.lease.e
		c.alloc = e.alloc
		conn, err := m.pool(e).RoundTrip(ctx, c.request())
		if c.job != nil && !errors.As(err, new(*dialError)) {
			c.job.sent = true
		}
		if err == nil || ctx.Err() != nil && !c.cut {
			return conn, err
		}
		if source := (*upstream.SourceError)(nil); errors.As(err, &source) {
			return nil, service.Errorf(service.ErrInvalid, "%w", source)
		}
		if err := c.elsewhere(ctx, err); err != nil {
			return nil, err
		}
	}
}

// request is the call as the service gets it.
func (c *call) request() *upstream.Request {
	r := &c.out
	if r.Method != "" {
		c.due(r.Header)
		return r // made for the attempt before
	}
	upstream.EndToEnd(c.in.Header)
	c.rewrite(c.in.Header)
	r.Method, r.Target, r.Host, r.Header = c.in.Method, c.route.rest, c.in.Host, c.in.Header
	if u := c.in.URL; u.RawQuery != "" || u.ForceQuery {
		r.Target += "?" + u.RawQuery
	}
	if r.Host == "" { // HTTP/1.0
		r.Host = c.lease.e.addr
	}
	r.Repeat = c.repeatable()
	switch {
	case c.body == nil:
	case c.body.all: // a service that cannot read chunks need not
		r.Body = c.body.kept
	default:
		r.Stream, r.Length, r.Trailer, r.Cut = c.body, c.body.length, c.in.Trailer, c.cutUpload
	}
	return r
}

// cutUpload ends the reading of a body that nobody wants any more. A caller that
// is slow to send would keep the call waiting for it.
func (c *call) cutUpload() {
	// net/http then ends the context as if the caller had left.
	c.cut = c.in.Context().Err() == nil
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now()) // a writer that cannot has no slow sender behind it
}

// answer sends the answer to the caller.
func (c *call) answer(conn *upstream.Conn) {
	h := c.w.Header()
	c.clock.begin()
	flush := conn.CopyHead(h)
	c.status = c.mark(h, conn.Status)
	if conn.Uploading() && c.in.ProtoMajor == 1 {
		// It is an early answer. The server would read on before it sends it.
		h["Connection"] = closing
	}
	if c.begun != nil && !joins(c.status, h.Get("Content-Type")) {
		c.misfit(c.status)
		return
	}
	c.w.WriteHeader(c.status)
	ended, err := conn.CopyBody(c.w, flush, func(n int) {
		c.clock.move()
		c.bytesOut += int64(n)
	})
	if !ended {
		c.broke = err != nil && c.in.Context().Err() == nil
		c.abandon()
	}
}

var closing = []string{"close"}

// abandon cuts the answer off. Its caller is not to take it for whole.
func (c *call) abandon() {
	if c.in.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler) // the only way to tell net/http
	}
	c.broke = true
}

// mark adds what the gateway has to say to the head of an answer, and returns
// the status that the caller gets.
func (c *call) mark(h http.Header, status int) int {
	c.heed(status, h)
	c.share(h)
	c.confine(h)
	h[headerRequestID] = c.own.one(c.requestID)
	if c.other != "" {
		h[headerService] = []string{string(c.other)}
	}
	if c.lease.cold != nil {
		h["Server-Timing"] = append(h["Server-Timing"], c.lease.cold.timing())
	}
	if c.route.dynserv {
		return c.permit(h, status)
	}
	return status
}

// upgrade passes on a call that asks for a WebSocket.
func (c *call) upgrade() {
	c.in = c.in.WithContext(context.WithValue(c.in.Context(), callKey{}, c))
	if c.body != nil {
		c.in.Body = c.body
	}
	proxy := c.g.tunnels
	proxy.Rewrite, proxy.Transport, proxy.ModifyResponse = c.rewriteTunnel, c, c.tunnelled
	proxy.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { c.refuse(err) }
	proxy.ServeHTTP(upstream.Prompt{ResponseWriter: c.w}, c.in)
}

// RoundTrip sends a call that asks for a WebSocket, until an endpoint could be
// connected to.
func (c *call) RoundTrip(out *http.Request) (*http.Response, error) {
	ctx := c.in.Context()
	for {
		e := c.lease.e
		c.alloc = e.alloc
		c.due(out.Header)
		try := out.WithContext(ctx) // without the proxy's trace: informational answers are not passed on
		at := *out.URL
		at.Host = e.addr
		try.URL = &at
		res, err := c.g.upgrader.RoundTrip(try)
		if err == nil || ctx.Err() != nil {
			return res, err
		}
		if err := c.elsewhere(ctx, err); err != nil {
			return nil, err
		}
	}
}

// tunnelled sees the header of the answer to a tunnel before the caller does.
func (c *call) tunnelled(res *http.Response) error {
	if res.StatusCode == http.StatusSwitchingProtocols && !grants(res) {
		return errSwitched // the proxy would leave the connection open
	}
	c.clock.begin()
	c.status = c.mark(res.Header, res.StatusCode)
	res.StatusCode = c.status
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil
	}
	for _, hop := range []string{"Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding"} {
		delete(res.Header, hop)
	}
	if through, ok := res.Body.(io.ReadWriteCloser); ok && c.clock != nil {
		res.Body = &tunnel{ReadWriteCloser: through, clock: c.clock}
	}
	return nil
}
