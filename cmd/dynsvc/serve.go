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
	"github.com/dynsvc/dynsvc/lane"
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

// serving is a server that answers.
type serving struct {
	failed   <-chan error // gets how it ended
	shutdown func(ctx context.Context) error
	abort    func() error
}

// serve answers on l in goroutines of its own. calls answers what is for a service
// past net/http.
func (f *front) serve(h, calls http.Handler, l net.Listener, log hclog.Logger) serving {
	srv := gateway.Server(h, log)
	failed := make(chan error, 1)
	if f.connections > 0 {
		l = gateway.Bound(l, f.connections)
	}
	s := serving{failed: failed, shutdown: srv.Shutdown, abort: srv.Close}
	if f.certificate != nil {
		srv.TLSConfig = f.certificate.config()
	}
	switch {
	case f.slow && f.certificate != nil:
		go func() { failed <- srv.ServeTLS(l, "", "") }()
	case f.slow:
		go func() { failed <- srv.Serve(l) }()
	default:
		fast := lane.New(l, srv, calls, log, gateway.Prefix, gateway.DynServ)
		s.shutdown = func(ctx context.Context) error { return errors.Join(fast.Shutdown(ctx), srv.Shutdown(ctx)) }
		s.abort = func() error { return errors.Join(fast.Abort(), srv.Close()) }
		go func() { failed <- srv.Serve(fast) }()
	}
	return s
}

// serve answers on l until ctx ends. Then it is no longer ready, waits until
// balancers have seen that, refuses new calls and lets those in flight end.
func (st *stack) serve(ctx context.Context, l net.Listener) error {
	srv := st.front.serve(st.handler, st.gateway, l, st.log.Named("http"))
	select {
	case err := <-srv.failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(st.leaving)
	if delay := st.front.stopDelay; delay > 0 {
		st.log.Info("stopping: waiting for balancers to look elsewhere", "took", delay.String())
		select {
		case err := <-srv.failed:
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		case <-time.After(delay):
		}
	}
	st.log.Info("stopping: waiting for calls in flight")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	st.jobs.Close()
	err := errors.Join(st.gateway.Close(grace), srv.shutdown(grace))
	if errors.Is(err, context.DeadlineExceeded) {
		st.log.Warn("cut off calls that did not end in time", "took", drainTimeout.String())
		return srv.abort()
	}
	return err
}
