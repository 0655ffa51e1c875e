package lane

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
)

// secure is the configuration of connections over TLS, as the server's ServeTLS would
// have it; nil: it has none, and connections are plain.
func secure(srv *http.Server) *tls.Config {
	if srv.TLSConfig == nil {
		return nil
	}
	config := srv.TLSConfig.Clone()
	config.NextProtos = []string{"http/1.1"}
	if srv.Protocols == nil || srv.Protocols.HTTP2() {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}

// stateKey finds the state of a connection that the lane gave away, in the context of
// its requests.
type stateKey struct{}

// tell has requests on connections that the lane gave away say that they came over TLS:
// the server cannot see it, because of what was read of them.
func tell(srv *http.Server) {
	handler, within := srv.Handler, srv.ConnContext
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if h, ok := conn.(*handed); ok {
			ctx = context.WithValue(ctx, stateKey{}, h.state)
		}
		if within != nil {
			ctx = within(ctx, conn)
		}
		return ctx
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if state, ok := r.Context().Value(stateKey{}).(*tls.ConnectionState); ok && r.TLS == nil {
			r.TLS = state
		}
		handler.ServeHTTP(w, r)
	})
}

// notTLS is what a caller reads who speaks HTTP where TLS is spoken, as of net/http.
const notTLS = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

// greet makes the connection one over TLS. It reports whether the connection goes on in
// the lane; one that is to speak HTTP/2 is given away.
func (c *conn) greet() (lane bool) {
	if c.s.secure == nil {
		return true
	}
	until := c.until.Load()
	secured := tls.Server(c.wire, c.s.secure)
	c.raw = secured
	if err := secured.HandshakeContext(c.s.base); err != nil {
		var header tls.RecordHeaderError
		if errors.As(err, &header) && header.Conn != nil && looksLikeHTTP(header.RecordHeader) {
			_, _ = io.WriteString(header.Conn, notTLS) // it is closed in any case
		}
		c.s.log.Debug("no TLS handshake", "addr", c.remote, "error", err)
		return false
	}
	if !c.until.CompareAndSwap(until, 0) {
		return false
	}
	state := secured.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		c.gone = true
		c.s.give(secured)
		return false
	}
	c.until.Store(c.s.now.Load() + int64(c.s.headerTimeout())) // a request may take as long again
	c.head.req.TLS = &state
	return true
}

// pri begins HTTP/2 where nobody has agreed on it. Over TLS that is no protocol, and what
// the lane gives away does not look like TLS to the server.
var pri = []byte("PRI ")

func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}
