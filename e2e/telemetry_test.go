//go:build e2e

package e2e

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/dynsvc/dynsvc/service"
)

// collector is who gets the agent's spans.
type collector struct {
	mu     sync.Mutex // guards what follows
	spans  []*otlp.Span
	agents map[string]bool // what the resource says service.name is
	failed error
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := io.ReadAll(r.Body)
	var sent otlp.TracesData // an export request is the same on the wire
	if err = errors.Join(err, protobuf.Unmarshal(text, &sent)); err != nil {
		c.failed = err
	}
	for _, of := range sent.GetResourceSpans() {
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				c.agents[a.GetValue().GetStringValue()] = true
			}
		}
		for _, scope := range of.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// TestWhatAnAgentShowsOfItsCalls makes calls of a few kinds and then reads what
// others see of them: Prometheus, a log and a collector of traces.
func TestWhatAnAgentShowsOfItsCalls(t *testing.T) {
	t.Parallel()
	spans := &collector{agents: map[string]bool{}}
	server := httptest.NewServer(spans)
	defer server.Close()
	log := filepath.Join(t.TempDir(), "access.log")
	a := newAgent(t, plain+fmt.Sprintf("\ntelemetry {\n open_metrics = true\n access_log = %q\n traces = %q\n}", log, server.URL+"/v1/traces"))
	v := a.register(program("Shown", "", "max = 1\n idle_after = \"5m\""))

	_, cold := a.calls(v)
	const warm = 20
	for range warm {
		a.calls(v)
	}
	missing, err := a.get(t.Context(), v, "/no-such-path?token=s3cret")
	if err != nil || missing.status != http.StatusNotFound {
		t.Fatalf("status %d, %v", missing.status, err)
	}
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	seen := a.headers(v, "00-"+trace+"-"+caller+"-01")

	wantMetrics(t, a, v, warm)
	a.signal(syscall.SIGTERM) // log and spans are complete when it has ended
	if err := a.wait(40 * time.Second); err != nil {
		t.Fatal(err)
	}
	wantAccessLog(t, log, v, cold, warm)
	spans.mu.Lock()
	defer spans.mu.Unlock()
	if spans.failed != nil || !spans.agents["dynsvc"] {
		t.Errorf("the collector could not read what it got: %v; from %v", spans.failed, spans.agents)
	}
	var mine []string
	for _, s := range spans.spans {
		if hex.EncodeToString(s.GetTraceId()) == trace && s.GetKind() == otlp.Span_SPAN_KIND_SERVER {
			mine = append(mine, hex.EncodeToString(s.GetSpanId()))
			if got := hex.EncodeToString(s.GetParentSpanId()); got != caller {
				t.Errorf("the call's span has the parent %s, want the caller's %s", got, caller)
			}
		}
	}
	if len(mine) != 1 {
		t.Fatalf("%d spans of the caller's trace, want 1; of %d", len(mine), len(spans.spans))
	}
	if want := "00-" + trace + "-" + mine[0] + "-01"; seen.Get("Traceparent") != want {
		t.Errorf("the service saw traceparent %q, want %q", seen.Get("Traceparent"), want)
	}
}

// headers makes a call of a trace and returns the header that the service saw.
func (a *agent) headers(v service.Version, traceparent string) http.Header {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.url+"/svc/"+v.Module+"@"+string(v.ID)+"/headers", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Traceparent", traceparent)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	var seen http.Header
	if err := errors.Join(json.NewDecoder(res.Body).Decode(&seen), res.Body.Close()); err != nil {
		a.t.Fatal(err)
	}
	return seen
}

// metric is one line of what Prometheus reads.
var metric = regexp.MustCompile(`^(dynsvc_[a-z_]+?)(?:\{(.*)\})? (\S+)$`)

// wantMetrics reads /metrics: the calls are counted, and no label has a path, a
// method or a caller.
func wantMetrics(t *testing.T, a *agent, v service.Version, warm int) {
	t.Helper()
	res, err := http.Get(a.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	may := []string{"module", "version", "code", "cold", "ending", "phase", "kind", "applied", "state", "le"}
	counted := map[string]string{}
	for line := range strings.Lines(string(text)) {
		m := metric.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		for label := range strings.SplitSeq(m[2], ",") {
			if name, _, ok := strings.Cut(label, "="); ok && !slices.Contains(may, name) {
				t.Errorf("%s has the label %s", m[1], name)
			}
		}
		counted[m[1]+"{"+m[2]+"}"] = m[3]
	}
	of := fmt.Sprintf(`module=%q,version=%q`, v.Module, v.Version)
	for name, want := range map[string]string{
		`dynsvc_calls_total{code="2xx",cold="true",` + of + `}`:  "1",
		`dynsvc_calls_total{code="2xx",cold="false",` + of + `}`: fmt.Sprint(warm + 1),
		`dynsvc_calls_total{code="4xx",cold="false",` + of + `}`: "1",
		`dynsvc_calls_failed_total{ending="refused",` + of + `}`: "1",
		`dynsvc_cold_starts_total{` + of + `}`:                   "1",
		`dynsvc_ready_instances{` + of + `}`:                     "1",
	} {
		if counted[name] != want {
			t.Errorf("%s = %q, want %s", name, counted[name], want)
		}
	}
	if strings.Contains(string(text), "no-such-path") || strings.Contains(string(text), "echo") {
		t.Error("the metrics have a path or a method")
	}
}

// wantAccessLog reads the lines of the access log: one for each call, without
// what may be secret.
func wantAccessLog(t *testing.T, path string, v service.Version, cold answer, warm int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read from
	var statuses []float64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e map[string]any
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("not a line of JSON: %v: %s", err, lines.Text())
		}
		if strings.Contains(lines.Text(), "s3cret") {
			t.Errorf("the log has a query: %s", lines.Text())
		}
		if e["service"] != string(v.ID) || e["module"] != v.Module || e["alloc"] == "" || e["took_ms"].(float64) <= 0 {
			t.Errorf("a line lacks what was called, or how long it took: %s", lines.Text())
		}
		if e["cold"] == true && e["request_id"] != cold.header.Get("X-Request-Id") {
			t.Errorf("another call was cold than the first: %s", lines.Text())
		}
		statuses = append(statuses, e["status"].(float64))
	}
	want := slices.Repeat([]float64{200}, warm+1)
	want = append(want, 404, 200)
	if !slices.Equal(statuses, want) {
		t.Errorf("the statuses in the log are %v, want %v", statuses, want)
	}
}
