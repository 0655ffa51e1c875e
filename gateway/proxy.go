package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// attempts is to how many endpoints a call is sent at most.
const attempts = 3

// forward sends the call to the endpoint that it has a lease of, and its answer
// back.
func (c *call) forward() {
	upgrade(c.in)
	if c.body != nil {
		c.in.Body = c.body
		if c.body.all { // a service that cannot read chunks need not
			c.in.ContentLength, c.in.TransferEncoding = int64(len(c.body.kept)), nil
		}
	}
	proxy := c.g.proxy
	proxy.Rewrite, proxy.Transport, proxy.ModifyResponse = c.rewrite, c, c.answered
	proxy.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { c.refuse(err) }
	proxy.ServeHTTP(c.w, c.in)
}

// RoundTrip sends the call until an endpoint has answered. It is sent again
// only if no connection could be made, so that nothing of it was written, or if
// it is idempotent and its body is kept.
func (c *call) RoundTrip(out *http.Request) (*http.Response, error) {
	ctx := c.in.Context()
	for sent := 1; ; sent++ {
		m, e := c.lease.m, c.lease.e
		res, err := m.transport(e).RoundTrip(c.attempt(out, e))
		if err == nil || ctx.Err() != nil && !c.cutter.ended() {
			return res, err
		}
		unwritten := errors.As(err, new(*dialError))
		if unwritten {
			m.eject(e, err)
		} else {
			m.doubt(e)
		}
		again := unwritten || c.method.Idempotent && (c.body == nil || c.body.all)
		if !again || sent == attempts {
			return nil, err
		}
		c.lease.release()
		if c.lease, err = m.acquire(ctx, 0, c.limits.Wait.Duration, c.meter); err != nil {
			return nil, err
		}
	}
}

// attempt is out for one endpoint. Informational answers are not passed on:
// attempt leaves the proxy's trace behind.
func (c *call) attempt(out *http.Request, e *endpoint) *http.Request {
	ctx := c.in.Context()
	if out.Body != nil && !c.body.all {
		ctx = httptrace.WithClientTrace(ctx, c.watch())
	}
	try := out.WithContext(ctx)
	at := *out.URL
	at.Host = e.addr
	try.URL = &at
	switch {
	case out.Body == nil:
	case c.body.all:
		try.Body, _ = c.body.reader()
		try.GetBody = c.body.reader
	default:
		try.Body = c.body // the proxy's own could not be used again once it is closed
	}
	return try
}

// watch has the upload cut off if the connection that carries it is closed.
func (c *call) watch() *httptrace.ClientTrace {
	if c.cutter == nil {
		c.cutter = &cutter{body: c.body, caller: http.NewResponseController(c.w), ctx: c.in.Context()}
	}
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if l, ok := info.Conn.(*link); ok {
			c.cutter.watch(l)
		}
	}}
}

// answered sees the header of an answer before the caller does.
func (c *call) answered(res *http.Response) error {
	c.status = res.StatusCode
	c.clock.begin()
	res.Header[headerRequestID] = []string{c.requestID}
	if c.route.dynserv {
		c.permit(res)
		c.status = res.StatusCode
	}
	if c.other != "" {
		res.Header[headerService] = []string{string(c.other)}
	}
	if c.lease.cold != nil {
		res.Header.Add("Server-Timing", c.lease.cold.timing())
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		for _, hop := range []string{"Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding"} {
			delete(res.Header, hop)
		}
		if through, ok := res.Body.(io.ReadWriteCloser); ok && c.clock != nil {
			res.Body = &tunnel{through, c.clock}
		}
		return nil
	}
	res.Body = &answerBody{res.Body, c}
	return nil
}

// answerBody notes whether an answer broke off, which for the proxy is the same
// as a caller that left.
type answerBody struct {
	io.ReadCloser
	c *call
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.clock.move()
	if err != nil && !errors.Is(err, io.EOF) && b.c.in.Context().Err() == nil {
		b.c.broke = true
	}
	return n, err
}

const bufferSize = 32 << 10

// buffers lends the proxy what it copies with.
type buffers struct{}

var bufferPool = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func (buffers) Get() []byte  { return bufferPool.Get().(*[bufferSize]byte)[:] }
func (buffers) Put(b []byte) { bufferPool.Put((*[bufferSize]byte)(b)) }
