package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/server/kbase"
)

// route sends calls to the gateway and everything else to the API. It stands
// before any router that cleans or redirects paths, for those of calls are the
// services' own.
func route(calls http.Handler, facade *kbase.Facade, metrics, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.EscapedPath(); strings.HasPrefix(path, gateway.Prefix) || strings.HasPrefix(path, gateway.DynServ) {
			calls.ServeHTTP(w, r)
			return
		}
		if facade != nil && strings.HasPrefix(r.URL.EscapedPath(), kbase.Prefix) {
			facade.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == metricsPath {
			metrics.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// drainTimeout is how long calls in flight may take to end when the agent stops.
const drainTimeout = 30 * time.Second

// serve answers on l in a goroutine of its own, until the server is shut down.
func (f *front) serve(h http.Handler, l net.Listener, log hclog.Logger) (srv *http.Server, failed <-chan error) {
	srv = gateway.Server(h, log)
	end := make(chan error, 1)
	if f.connections > 0 {
		l = gateway.Bound(l, f.connections)
	}
	if c := f.certificate; c != nil {
		srv.TLSConfig = c.config()
		go func() { end <- srv.ServeTLS(l, "", "") }()
	} else {
		go func() { end <- srv.Serve(l) }()
	}
	return srv, end
}

// serve answers on l until ctx ends. Then it is no longer ready, waits until
// balancers have seen that, refuses new calls and lets those in flight end.
func (st *stack) serve(ctx context.Context, l net.Listener) error {
	srv, failed := st.front.serve(st.handler, l, st.log.Named("http"))
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	st.leaving.Store(true)
	if delay := st.front.stopDelay; delay > 0 {
		st.log.Info("stopping: waiting for balancers to look elsewhere", "took", delay.String())
		select {
		case err := <-failed:
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		case <-time.After(delay):
		}
	}
	st.log.Info("stopping: waiting for calls in flight")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	st.jobs.Close()
	err := errors.Join(st.gateway.Close(grace), srv.Shutdown(grace))
	if errors.Is(err, context.DeadlineExceeded) {
		st.log.Warn("cut off calls that did not end in time", "took", drainTimeout.String())
		return srv.Close()
	}
	return err
}
