package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/dynsvc/dynsvc/service"
)

// bridged is the HTTP/2 connections to one endpoint. Services that ask for h2c in
// their manifest get their calls over these; the standard library's client and
// proxy do what [upstream] does for the others.
type bridged struct {
	*http.Transport
	made uint64 // under which certificates
}

// h2c returns the HTTP/2 connections to an endpoint, which is like [machine.pool].
func (m *machine) h2c(e *endpoint) *http.Transport {
	now := m.generation(e)
	old := e.bridged.Load()
	if old != nil && old.made == now {
		return old.Transport
	}
	var speaks http.Protocols
	speaks.SetUnencryptedHTTP2(true)
	made := &bridged{&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := m.dial(ctx, e)
			if err != nil {
				return nil, &dialError{Err: err}
			}
			return conn, nil
		},
		Protocols:              &speaks,
		DisableCompression:     true,
		IdleConnTimeout:        m.g.opts.IdleTimeout,
		MaxResponseHeaderBytes: headerLimit,
	}, now}
	if !e.bridged.CompareAndSwap(old, made) {
		return m.h2c(e) // another call was faster
	}
	if old != nil {
		old.CloseIdleConnections()
	}
	return made.Transport
}

// bridge passes on a call to a service that speaks HTTP/2.
func (c *call) bridge() {
	if c.body != nil {
		c.in.Body = c.body
		if c.body.all {
			c.in.ContentLength, c.in.TransferEncoding = int64(len(c.body.kept)), nil
		}
	}
	proxy := c.g.tunnels
	proxy.BufferPool = nil
	proxy.Rewrite = func(pr *httputil.ProxyRequest) {
		c.rewriteTunnel(pr)
		pr.Out.Trailer = pr.In.Trailer // one map: it is filled as the body ends
	}
	proxy.Transport, proxy.ModifyResponse = roundTrip(c.sendBridged), c.bridgedAnswer
	proxy.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { c.refuse(err) }
	proxy.ServeHTTP(c.w, c.in)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// sendBridged is [call.send] for HTTP/2.
func (c *call) sendBridged(out *http.Request) (*http.Response, error) {
	ctx := c.in.Context()
	for {
		m, e := c.lease.m, c.lease.e
		c.due(out.Header)
		try := out.WithContext(ctx) // without the proxy's trace: informational answers are not passed on
		at := *out.URL
		at.Host = e.addr
		try.URL = &at
		switch {
		case c.body == nil:
			try.Body = nil
		case c.body.all:
			try.Body, _ = c.body.reader() // never fails
			try.GetBody = c.body.reader
		default:
			try.Body = c.body
		}
		res, err := m.h2c(e).RoundTrip(try)
		if err == nil || ctx.Err() != nil {
			return res, err
		}
		if err := c.elsewhere(ctx, err); err != nil {
			return nil, err
		}
	}
}

// bridgedAnswer sees the header of an answer over HTTP/2 before the caller does.
func (c *call) bridgedAnswer(res *http.Response) error {
	c.clock.begin()
	c.status = c.mark(res.Header, res.StatusCode)
	res.StatusCode = c.status
	if len(res.Trailer) > 0 && c.in.ProtoMajor == 1 {
		delete(res.Header, "Content-Length") // there only chunks have trailers
	}
	if c.begun != nil && !joins(c.status, res.Header.Get("Content-Type")) {
		_ = res.Body.Close() // only read from
		c.misfit(c.status)
		res.Body, res.ContentLength = http.NoBody, 0
		return nil
	}
	res.Body = &bridgedBody{res.Body, c}
	return nil
}

// bridgedBody counts an answer's bytes and notes whether it broke off.
type bridgedBody struct {
	io.ReadCloser
	c *call
}

func (b *bridgedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.clock.move()
	b.c.bytesOut += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && b.c.in.Context().Err() == nil {
		b.c.broke = true
	}
	return n, err
}

// askBridged is [Gateway.ask] for HTTP/2.
func (m *machine) askBridged(ctx context.Context, e *endpoint, at *url.URL) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.addr+at.RequestURI(), nil)
	if err != nil {
		return 0, fmt.Errorf("health path: %w", err)
	}
	req.Header.Set("User-Agent", "dynsvc-probe")
	res, err := m.h2c(e).RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, probeBody) // an answer that goes on for ever is an answer, too
	_ = res.Body.Close()                             // only read from
	return res.StatusCode, nil
}

// speaksHTTP2 reports whether the service asked for HTTP/2.
func speaksHTTP2(v *service.Version) bool { return v.Run.Protocol == service.H2C }
