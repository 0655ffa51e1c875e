package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/metrics"
	"github.com/dynsvc/dynsvc/service"
)

type onlyAdmin struct{}

func (onlyAdmin) Authenticate(_ context.Context, authorization string) (service.Caller, error) {
	if authorization != "Bearer t" {
		return service.Caller{}, errors.New("unknown")
	}
	return service.Operator("admin"), nil
}

func TestMetricsAreForAdminsUnlessTheyAreOpen(t *testing.T) {
	for _, tt := range []struct {
		open  bool
		token string
		want  int
	}{{false, "", 401}, {false, "Bearer x", 401}, {false, "Bearer t", 200}, {true, "", 200}} {
		shown := telemetry{open: tt.open, metrics: metrics.New(metrics.Sources{Version: "1"})}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, metricsPath, nil)
		r.Header.Set("Authorization", tt.token)
		w := httptest.NewRecorder()
		shown.handler(onlyAdmin{}).ServeHTTP(w, r)
		if w.Code != tt.want || tt.want == 200 && !strings.Contains(w.Body.String(), "dynsvc_build_info") {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
}

// The collector is a plain HTTP server: what comes in names the agent.
func TestSpansGoToTheCollectorAndTheLastOnesToo(t *testing.T) {
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(text)
	}))
	defer collector.Close()
	all := 1.0
	for _, c := range []telemetryConfig{{Traces: collector.URL + "/v1/traces"}, {TraceRatio: &all}} {
		if c.Traces == "" {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		}
		shown, err := openTelemetry(t.Context(), c, nil, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		_, span := shown.traces.Tracer("test").Start(t.Context(), "a-call")
		span.End()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := shown.run(ctx, hclog.NewNullLogger()); err != nil {
			t.Fatal(err)
		}
		select {
		case text := <-got:
			if !strings.HasPrefix(text, "/v1/traces ") || !strings.Contains(text, "a-call") || !strings.Contains(text, "dynsvc") {
				t.Errorf("the collector got %q", text)
			}
		default:
			t.Error("the collector got nothing")
		}
	}
}

func TestNothingIsTracedOrLoggedUnlessItIsAskedFor(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	shown, err := openTelemetry(t.Context(), telemetryConfig{}, nil, hclog.NewNullLogger())
	if err != nil || shown.traces != nil || shown.access != nil {
		t.Errorf("%+v, %v", shown, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := shown.run(ctx, hclog.NewNullLogger()); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrongWithATelemetryBlockIsSaid(t *testing.T) {
	ratio := 1.5
	c := telemetryConfig{Traces: "localhost:4318", TraceRatio: &ratio}
	var faults []string
	c.validate(func(format string, _ ...any) { faults = append(faults, format) })
	if len(faults) != 2 {
		t.Errorf("faults %q", faults)
	}
	_, err := openTelemetry(t.Context(), telemetryConfig{AccessLog: filepath.Join(t.TempDir(), "no", "log")}, nil, hclog.NewNullLogger())
	if err == nil {
		t.Error("a folder that is not there was no error")
	}
}
