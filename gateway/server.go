package gateway

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	headerTimeout = 10 * time.Second // for a request's header to come
	bodyTimeout   = 10 * time.Second // for as much of a body as routing takes
	idleTimeout   = 2 * time.Minute  // of a caller's connection
	requestHeader = 64 << 10         // bytes of a request's header
	streams       = 250              // calls at once on one HTTP/2 connection
)

// Server returns the server to put in front of a handler that a [Gateway] is
// part of. It speaks HTTP/1.1 and HTTP/2, the latter also without TLS to who
// begins with it; nobody is upgraded to it. It bounds how long a header may take
// and a connection may idle. It does not bound reading or writing: that would
// count the time a call is held, and end uploads and streams that are going well.
func Server(handler http.Handler, log hclog.Logger) *http.Server {
	var speaks http.Protocols
	speaks.SetHTTP1(true)
	speaks.SetHTTP2(true)
	speaks.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         &speaks,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streams},
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    requestHeader,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}
