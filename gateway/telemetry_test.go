package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// ends collects what ended.
type ends struct {
	mu  sync.Mutex
	all []gateway.Ended
}

func (e *ends) add(one *gateway.Ended) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, *one)
}

func (e *ends) last(k *kit, n int) gateway.Ended {
	k.t.Helper()
	k.waitFor("the end of the call", func() bool { e.mu.Lock(); defer e.mu.Unlock(); return len(e.all) == n })
	return e.all[n-1]
}

func TestEveryCallThatEndsIsToldWithoutSecrets(t *testing.T) {
	var told ends
	k := newKit(t, func(s *setup) {
		s.opts.Ended = told.add
		s.opts.Callers = door{"let-me-in": service.Operator("ada")}
		s.version.Methods = []service.Method{{Name: "hi", Authentication: service.RequiredAuthentication}}
	})
	k.up(k.backend(hello))
	call := `{"method":"Echo.hi","id":1,"params":["tell-nobody"]}`
	k.post("/svc/Echo/?token=tell-nobody", call, "Authorization", "let-me-in", "Cookie", "tell-nobody", "X-Request-Id", "abc").must(t, http.StatusOK)
	got := told.last(k, 1)
	if got.RequestID != "abc" || got.User != "ada" || got.HTTP != "POST" || got.Path != "/svc/Echo/" || got.Module != "Echo" || got.Version != "1.2.0" ||
		got.Service != echo || got.Method != "hi" || got.Alloc != "alloc-0" || got.Status != 200 || got.Ending != "" || got.BytesIn != int64(len(call)) ||
		got.BytesOut != 5 || got.Time.IsZero() || got.TookMS <= 0 || got.WaitedMS > got.TookMS || !strings.HasPrefix(got.Remote, "127.0.0.1:") {
		t.Errorf("%+v", got)
	}
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), "tell-nobody") || strings.Contains(string(text), "let-me-in") {
		t.Errorf("%s, %v", text, err)
	}
	k.get("/svc/Nobody/x").must(t, http.StatusNotFound)
	if got := told.last(k, 2); got.Status != 404 || got.Ending != "refused" || got.Module != "" || got.Alloc != "" {
		t.Errorf("%+v", got)
	}
	k.gw.SetStopped(echo, true)
	k.get("/svc/Echo/x").must(t, http.StatusServiceUnavailable)
	if got := told.last(k, 3); got.Status != 503 || got.Ending != "stopped" || got.Module != "Echo" {
		t.Errorf("%+v", got)
	}
}

func TestACallIsASpanOfItsCallersTraceAndTheServicesOfThat(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	k := newKit(t, func(s *setup) { s.opts.Tracer = provider.Tracer("test") })
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		mirror(w, r)
	}))
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	r := k.get("/svc/Echo/bad", "Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01", "Baggage", "a=1")
	r.must(t, http.StatusInternalServerError)
	k.waitFor("the spans", func() bool { return len(spans.Ended()) == 2 })
	var call sdk.ReadOnlySpan
	for _, s := range spans.Ended() {
		if s.SpanContext().TraceID().String() != theirs {
			t.Errorf("span %s is of trace %s", s.Name(), s.SpanContext().TraceID())
		}
		if s.Name() == "Echo" {
			call = s
		}
	}
	if call == nil || call.Parent().SpanID().String() != "00f067aa0ba902b7" || call.Status().Code != codes.Error {
		t.Fatalf("%+v", call)
	}
	if want := "Traceparent: 00-" + theirs + "-" + call.SpanContext().SpanID().String() + "-01"; !strings.Contains(r.body, want) || !strings.Contains(r.body, "Baggage: a=1") {
		t.Errorf("the service saw %s\nwant %s", r.body, want)
	}
	for _, want := range []attribute.KeyValue{
		attribute.String("dynsvc.module", "Echo"), attribute.Int("http.response.status_code", 500), attribute.String("dynsvc.ending", "failed"), attribute.Bool("dynsvc.cold", false),
	} {
		found := false
		for _, a := range call.Attributes() {
			found = found || a == want
		}
		if !found {
			t.Errorf("lacks %v: %v", want, call.Attributes())
		}
	}
}

func TestWithoutATracerTheCallersHeadersPassAsTheyAre(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(mirror))
	const sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	k.get("/svc/Echo/x", "Traceparent", sent).must(t, http.StatusOK, "Traceparent: "+sent)
}
