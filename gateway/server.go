package gateway

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Server returns the server to put in front of a handler that a [Gateway] is
// part of. It bounds how long a header may take and a connection may idle.
// It does not bound reading or writing: that would count the time a call is
// held, and end uploads and streams that are going well.
func Server(handler http.Handler, log hclog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}
