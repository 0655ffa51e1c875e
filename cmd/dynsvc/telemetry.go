package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/metrics"
	"github.com/dynsvc/dynsvc/service"
)

// telemetryConfig says what of its calls the agent shows to others.
type telemetryConfig struct {
	OpenMetrics bool     `hcl:"open_metrics,optional"` // let everybody read /metrics; default: admins only
	AccessLog   string   `hcl:"access_log,optional"`   // a file, or "stdout"; default: none
	Traces      string   `hcl:"traces,optional"`       // URL of an OpenTelemetry collector; default $OTEL_EXPORTER_OTLP_ENDPOINT, or none
	TraceRatio  *float64 `hcl:"trace_ratio,optional"`  // part of the calls without a trace of their own that get one; default $OTEL_TRACES_SAMPLER, or all
}

func (c *telemetryConfig) validate(fault func(format string, args ...any)) {
	if u, err := url.Parse(c.Traces); c.Traces != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		fault("telemetry.traces = %q is not a URL such as http://localhost:4318", c.Traces)
	}
	if r := c.TraceRatio; r != nil && (*r < 0 || *r > 1) {
		fault("telemetry.trace_ratio = %v is not between 0 and 1", *r)
	}
}

// telemetry is what others see of the agent's calls.
type telemetry struct {
	open    bool
	metrics *metrics.Metrics
	access  *accessLog               // nil: none
	traces  *sdktrace.TracerProvider // nil: none
}

// openTelemetry opens what is configured. The context is for that only.
func openTelemetry(ctx context.Context, c telemetryConfig, stdout io.Writer, log hclog.Logger) (t telemetry, err error) {
	t.open = c.OpenMetrics
	if c.AccessLog != "" {
		if t.access, err = openAccessLog(c.AccessLog, stdout, log); err != nil {
			return t, err
		}
	}
	if c.Traces == "" && os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return t, nil
	}
	var options []otlptracehttp.Option
	if c.Traces != "" {
		options = append(options, otlptracehttp.WithEndpointURL(c.Traces))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return t, fmt.Errorf("send traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "dynsvc"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return t, fmt.Errorf("describe the agent to the collector of traces: %w", err)
	}
	provider := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)}
	if c.TraceRatio != nil {
		provider = append(provider, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(*c.TraceRatio))))
	}
	t.traces = sdktrace.NewTracerProvider(provider...)
	return t, nil
}

// tracesGrace is how long the last spans may take to be sent.
const tracesGrace = 3 * time.Second

// run writes and sends until ctx ends, and then what is left.
func (t *telemetry) run(ctx context.Context, log hclog.Logger) error {
	var g errgroup.Group
	if t.access != nil {
		again := make(chan os.Signal, 1)
		signal.Notify(again, syscall.SIGHUP)
		defer signal.Stop(again)
		g.Go(func() error { return t.access.run(ctx, again) })
	}
	if t.traces != nil {
		g.Go(func() error {
			<-ctx.Done()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesGrace)
			defer cancel()
			if err := t.traces.Shutdown(last); err != nil {
				log.Warn("lost spans", "error", err)
			}
			return nil
		})
	}
	return g.Wait()
}

// authenticator says who sent an Authorization header.
type authenticator interface {
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
}

// metricsPath is where Prometheus reads.
const metricsPath = "/metrics"

// handler serves the metrics to admins, or to everybody where that is configured.
func (t *telemetry) handler(who authenticator) http.Handler {
	all := t.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.open {
			caller, err := who.Authenticate(r.Context(), r.Header.Get("Authorization"))
			if err != nil || !caller.IsAdmin() {
				w.Header().Set("WWW-Authenticate", `Bearer realm="dynsvc"`)
				http.Error(w, "the metrics are for admins: send an admin's token as a bearer, or set telemetry.open_metrics", http.StatusUnauthorized)
				return
			}
		}
		all.ServeHTTP(w, r)
	})
}

// openTelemetry has the parts that s describes tell what they do.
func (st *stack) openTelemetry(ctx context.Context, s *setup) (err error) {
	if st.shown, err = openTelemetry(ctx, s.telemetry, s.stdout, s.log.Named("telemetry")); err != nil {
		return err
	}
	sources := metrics.Sources{Version: version, Totals: func() []service.Total { return st.gateway.Totals() }, Jobs: st.db.CallJobStates}
	if s.dialer != nil {
		sources.LeafExpiry = s.dialer.Expiry
	}
	if a := st.shown.access; a != nil {
		s.gateway.Ended, sources.Dropped = a.add, a.dropped.Load
	}
	if st.shown.traces != nil {
		s.gateway.Tracer = st.shown.traces.Tracer("github.com/dynsvc/dynsvc/gateway")
	}
	st.shown.metrics = metrics.New(sources)
	s.engine.Decided = func(d service.Decision) {
		st.shown.metrics.Decided(d)
		st.feed.Decided(d)
	}
	return nil
}
