package sdk

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const (
	idleTimeout   = 180 * time.Second // longer than any gateway keeps an idle connection
	headerTimeout = 10 * time.Second
	stopGrace     = 30 * time.Second
	lastMoment    = time.Second // for calls that were told to end
)

var errStopped = errors.New("the service is being stopped")

// Run serves on $HOST:$PORT (all addresses, 5000) until ctx ends or a SIGTERM or
// an interrupt comes. It then takes no more connections, finishes the calls in
// flight within $DYNSVC_STOP_GRACE ("45s", or seconds; else 30 s) and returns
// nil. A second signal ends those at once.
func (m *Module) Run(ctx context.Context) error {
	addr := net.JoinHostPort(cmp.Or(os.Getenv("HOST"), "0.0.0.0"), cmp.Or(os.Getenv("PORT"), "5000"))
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
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
	case s := <-signals:
		m.log.Info("stopping", "signal", s.String(), "calls", m.calls.Load())
	}
	m.draining.Store(true)
	m.drain(srv, signals, cut)
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	m.log.Info("stopped")
	return nil
}

// drain waits for the calls in flight, and cuts them off when it takes too long.
func (m *Module) drain(srv *http.Server, signals <-chan os.Signal, cut context.CancelCauseFunc) {
	grace, cancel := context.WithTimeout(context.Background(), graceOf(os.Getenv("DYNSVC_STOP_GRACE")))
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- srv.Shutdown(grace) }()
	var err error
	select {
	case err = <-drained:
	case <-signals:
		cancel()
		err = <-drained
	}
	if err == nil {
		return
	}
	m.log.Warn("cut calls off", "calls", m.calls.Load())
	cut(errStopped)
	last, cancel := context.WithTimeout(context.Background(), lastMoment)
	defer cancel()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // nothing is left to be done about it
	}
}

// graceOf reads a duration, or a number of seconds.
func graceOf(text string) time.Duration {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	return stopGrace
}
