package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/metrics"
	"github.com/dynsvc/dynsvc/service"
)

func scrape(t *testing.T, m *metrics.Metrics) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

func TestWhatPrometheusReads(t *testing.T) {
	one := service.Total{
		ID: "dyn-echo-1", Module: "Echo", Version: "1.0.0",
		Calls:  [2]service.Classes{{2: 3, 5: 1}, {0: 1}},
		Failed: service.Endings{service.EndedStart: 1}, ColdStarts: 2,
		Starts:  service.Starts{Count: 2, Place: time.Second, Start: 2 * time.Second, Ready: 3 * time.Second},
		BytesIn: 10, BytesOut: 20, Load: service.Load{Phase: service.Ready, InFlight: 4, Queued: 5, Ready: 6},
	}
	for _, d := range []time.Duration{500 * time.Microsecond, 3 * time.Millisecond, 2 * time.Hour} {
		one.Latencies[0].Add(d)
	}
	again := service.Total{ID: "dyn-echo-2", Module: "Echo", Version: "1.0.0", BytesIn: 1, Load: service.Load{Phase: service.Idle, Queued: 1}}
	m := metrics.New(metrics.Sources{
		Version: "9.9.9", Totals: func() []service.Total { return []service.Total{one, again} },
		LeafExpiry: func() time.Time { return time.Unix(1_800_000_000, 0) },
		Jobs:       func(context.Context) (map[string]int64, error) { return map[string]int64{"queued": 7}, nil },
		Dropped:    func() int64 { return 8 },
	})
	m.Decided(service.Decision{Kind: service.KindWake, Outcome: "applied"})
	m.Decided(service.Decision{Kind: service.KindWake, Outcome: "no capacity"})
	code, text := scrape(t, m)
	if code != http.StatusOK {
		t.Fatalf("%d: %s", code, text)
	}
	for _, want := range []string{
		`dynsvc_calls_total{code="2xx",cold="false",module="Echo",version="1.0.0"} 3`,
		`dynsvc_calls_total{code="5xx",cold="false",module="Echo",version="1.0.0"} 1`,
		`dynsvc_calls_total{code="gone",cold="true",module="Echo",version="1.0.0"} 1`,
		`dynsvc_call_duration_seconds_bucket{cold="false",module="Echo",version="1.0.0",le="0.001"} 1`,
		`dynsvc_call_duration_seconds_bucket{cold="false",module="Echo",version="1.0.0",le="0.0025"} 1`,
		`dynsvc_call_duration_seconds_bucket{cold="false",module="Echo",version="1.0.0",le="0.005"} 2`,
		`dynsvc_call_duration_seconds_bucket{cold="false",module="Echo",version="1.0.0",le="300"} 2`,
		`dynsvc_call_duration_seconds_bucket{cold="false",module="Echo",version="1.0.0",le="+Inf"} 3`,
		`dynsvc_calls_failed_total{ending="start",module="Echo",version="1.0.0"} 1`,
		`dynsvc_cold_starts_total{module="Echo",version="1.0.0"} 2`,
		`dynsvc_cold_start_seconds_sum{module="Echo",phase="start",version="1.0.0"} 2`,
		`dynsvc_cold_start_seconds_count{module="Echo",phase="start",version="1.0.0"} 2`,
		`dynsvc_request_bytes_total{module="Echo",version="1.0.0"} 11`,
		`dynsvc_in_flight{module="Echo",version="1.0.0"} 4`,
		`dynsvc_queue_length{module="Echo",version="1.0.0"} 6`,
		`dynsvc_ready_instances{module="Echo",version="1.0.0"} 6`,
		`dynsvc_service_phase{module="Echo",phase="ready",version="1.0.0"} 1`,
		`dynsvc_mesh_certificate_expiry_timestamp_seconds 1.8e+09`,
		`dynsvc_jobs{state="queued"} 7`,
		`dynsvc_access_log_dropped_total 8`,
		`dynsvc_decisions_total{applied="true",kind="wake"} 1`,
		`dynsvc_decisions_total{applied="false",kind="wake"} 1`,
		`dynsvc_build_info{version="9.9.9"} 1`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestAScrapeSaysWhatItCouldNotRead(t *testing.T) {
	m := metrics.New(metrics.Sources{Jobs: func(context.Context) (map[string]int64, error) { return nil, errors.New("the disk is full") }})
	if code, text := scrape(t, m); code != http.StatusInternalServerError || !strings.Contains(text, "the disk is full") {
		t.Errorf("%d: %s", code, text)
	}
}
