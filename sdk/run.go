package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	idleTimeout   = 180 * time.Second // longer than any gateway keeps an idle connection
	headerTimeout = 10 * time.Second
	lull          = 100 * time.Millisecond // for requests that are on their way when the service is stopped
	lastMoment    = time.Second            // for calls that were told to end
)

var errStopped = errors.New("the service is stopping")

// Run serves on $HOST:$PORT (all addresses, 5000) until ctx ends or a SIGTERM or
// an interrupt comes. It then takes no more connections, finishes the calls in
// flight and returns nil. It returns an error where that takes longer than
// $DYNSVC_STOP_GRACE ("45s", or seconds; else 30 s) or a second signal comes,
// which ends them at once; and where the environment is not right.
func (m *Module) Run(ctx context.Context) error {
	faults := m.faults
	if m.env.module != "" && m.env.module != m.name {
		faults = errors.Join(faults, fmt.Errorf("$DYNSVC_MODULE is %s, and this program is the module %s", m.env.module, m.name))
	}
	if faults != nil {
		return faults
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(m.env.host, m.env.port))
	if err != nil {
		return fmt.Errorf("listen on $HOST %s, $PORT %s: %w", m.env.host, m.env.port, err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	return m.run(ctx, ln, signals)
}

// Serve is [Module.Run] on a listener, and without the signals.
func (m *Module) Serve(ctx context.Context, ln net.Listener) error { return m.run(ctx, ln, nil) }

func (m *Module) run(ctx context.Context, ln net.Listener, signals <-chan os.Signal) error {
	calls, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	srv := &http.Server{
		Handler:           m.Handler(),
		BaseContext:       func(net.Listener) context.Context { return calls },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelWarn),
	}
	defer m.client.CloseIdleConnections()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	m.log.Info("listening", "addr", ln.Addr().String(), "module", m.name, "version", m.opts.Version)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	case <-signals:
	}
	m.log.Info("stopping", "calls", m.calls.Load())
	m.draining.Store(true)
	err := m.drain(srv, signals, cut)
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		return end
	}
	m.log.Info("stopped")
	return err
}

// drain waits for the calls in flight, and cuts them off when it takes too long.
func (m *Module) drain(srv *http.Server, signals <-chan os.Signal, cut context.CancelCauseFunc) error {
	grace, cancel := context.WithTimeout(context.Background(), m.env.grace)
	defer cancel()
	pause := time.NewTimer(min(lull, m.env.grace))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-signals:
		return m.close(srv, cut)
	}
	drained := make(chan error, 1)
	go func() { drained <- srv.Shutdown(grace) }()
	select {
	case err := <-drained:
		if err == nil {
			return nil
		}
	case <-signals:
		cancel()
		<-drained //nolint:errcheck // it was given up
		return m.close(srv, cut)
	}
	left := m.calls.Load()
	cut(errStopped)
	last, cancel := context.WithTimeout(context.Background(), lastMoment)
	defer cancel()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // nothing is left to be done about it
	}
	return fmt.Errorf("%w: %d calls took longer than the %s there were", errStopped, left, m.env.grace)
}

// close ends everything at once.
func (m *Module) close(srv *http.Server, cut context.CancelCauseFunc) error {
	left := m.calls.Load()
	_ = srv.Close() // nothing is left to be done about it
	cut(errStopped)
	return fmt.Errorf("%w at once: %d calls were cut off", errStopped, left)
}
