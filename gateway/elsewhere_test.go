package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// dead is an address to which no connection can be made.
func dead(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestACallThatFindsNoConnectionGoesToAnotherEndpoint(t *testing.T) {
	k := newKit(t)
	var got atomic.Int64
	count := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			got.Add(1)
		}
		w.Header().Set("Connection", "close")
		mirror(w, r)
	}
	a, b := k.server(count), k.server(count)
	k.up(a.addr, b.addr)
	a.stop()
	for range 50 {
		k.post("/svc/Echo/x", "payload").must(t, http.StatusOK, "\npayload")
	}
	if got.Load() != 50 {
		t.Errorf("%d calls arrived, 50 sent", got.Load())
	}
	if n := k.load().Ready; n != 1 {
		t.Errorf("%d ready", n)
	}
}

func TestAnInstanceThatHasTooMuchToDoIsPassedOver(t *testing.T) {
	k := newKit(t)
	var asked atomic.Int64
	busy := k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			asked.Add(1)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	k.up(busy, k.backend(hello))
	k.waitFor("it was asked once", func() bool { return k.get("/svc/Echo/x").status == http.StatusServiceUnavailable })
	for range 50 {
		k.get("/svc/Echo/x").must(t, http.StatusOK)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestACallWhoseOnlyInstanceIsGoneWaitsForTheNext(t *testing.T) {
	k := newKit(t)
	a := k.server(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	k.up(a.addr)
	a.stop()
	call := later(func() reply { return k.post("/svc/Echo/x", "payload") })
	k.waitFor("it waits again", func() bool { l := k.load(); return l.Phase == service.Starting && l.Queued == 1 })
	st := state(1, k.backend(mirror))
	st.Endpoints[0].Alloc = "alloc-next"
	k.gw.Apply(st)
	(<-call).must(t, http.StatusOK, "\npayload")
	if k.cluster.woken() != 0 {
		t.Errorf("%d wakes for a count above 0", k.cluster.woken())
	}
}

func TestAllInstancesOfALostNodeAreLeftAndTheCallWaitsForTheNext(t *testing.T) {
	k := newKit(t)
	var addrs []string
	var stops []func()
	for range 5 { // more than a call is sent to
		s := k.server(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
		addrs, stops = append(addrs, s.addr), append(stops, s.stop)
	}
	k.up(addrs...)
	for _, stop := range stops {
		stop()
	}
	call := later(func() reply { return k.post("/svc/Echo/x", "payload") })
	k.waitFor("it waits again", func() bool { l := k.load(); return l.Ready == 0 && l.Queued == 1 })
	st := state(1, k.backend(mirror))
	st.Endpoints[0].Alloc = "alloc-next"
	k.gw.Apply(st)
	(<-call).must(t, http.StatusOK, "\npayload")
}

func TestAnIdempotentCallOutlivesInstancesThatDieOneAfterAnother(t *testing.T) {
	k := newKit(t, func(s *setup) { s.version.Methods = []service.Method{{Name: "safe", Idempotent: true}} })
	// For a while after the first call each of them breaks off what it is sent.
	var dying atomic.Bool
	var first sync.Once
	var addrs []string
	for range 4 {
		addrs = append(addrs, k.backend(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			if r.Method != http.MethodPost {
				return
			}
			first.Do(func() {
				dying.Store(true)
				time.AfterFunc(100*time.Millisecond, func() { dying.Store(false) })
			})
			if dying.Load() {
				panic(http.ErrAbortHandler)
			}
		}))
	}
	k.up(addrs...)
	k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.safe","id":"7","params":[]}`).must(t, http.StatusOK)
}

func TestWaitingForAnotherInstanceCountsForNoLimit(t *testing.T) {
	const limit = 1500 * time.Millisecond
	k := newKit(t, func(s *setup) { s.version.Limits = service.Limits{FirstByte: seconds(1.5), Total: seconds(1.5)} })
	a := k.server(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	k.up(a.addr)
	a.stop()
	call := later(func() reply { return k.post("/svc/Echo/x", "payload") })
	k.waitFor("it waits again", func() bool { return k.load().Queued == 1 })
	<-time.After(limit + limit/10)
	asked := time.Now()
	var due atomic.Int64
	st := state(1, k.backend(func(w http.ResponseWriter, r *http.Request) {
		if at, err := strconv.ParseInt(r.Header.Get("X-Dynsvc-Deadline"), 10, 64); err == nil {
			due.Store(at)
		}
		mirror(w, r)
	}))
	st.Endpoints[0].Alloc = "alloc-next"
	k.gw.Apply(st)
	(<-call).must(t, http.StatusOK, "\npayload")
	if at := time.UnixMilli(due.Load()); at.Before(asked) {
		t.Errorf("the instance was told that the call is given up at %s, before it was asked at %s", at, asked)
	}
}

func TestAnIdempotentCallIsNotGivenUpForIdleConnections(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Methods = []service.Method{{Name: "safe", Idempotent: true}, {Name: "once"}}
		s.opts.IdleTimeout = time.Minute
	})
	// A connection breaks off with the second request on it, as that of an instance
	// that died and came back.
	var got atomic.Int64
	served := make(map[string]bool)
	var mu sync.Mutex
	var addrs []string
	for range 4 {
		addrs = append(addrs, k.backend(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			before := served[r.RemoteAddr]
			served[r.RemoteAddr] = true
			mu.Unlock()
			if r.Method == http.MethodPost {
				got.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
			}
			if before {
				panic(http.ErrAbortHandler)
			}
		}))
	}
	k.up(addrs...) // over connections that are idle from now on
	envelope := `{"version":"1.1","method":"Echo.%s","id":"7","params":[]}`
	k.post("/svc/Echo/", fmt.Sprintf(envelope, "safe")).must(t, http.StatusOK)
	if n := got.Swap(0); n != 2 {
		t.Errorf("the call arrived %d times, want 2: over an idle connection and over a new one", n)
	}
	k.post("/svc/Echo/", fmt.Sprintf(envelope, "once")).must(t, http.StatusBadGateway)
	if n := got.Load(); n != 1 {
		t.Errorf("the call that may not be made twice arrived %d times", n)
	}
}

// instance is a server that can be stopped.
type instance struct {
	addr string
	stop func()
}

func (k *kit) server(h http.HandlerFunc) instance {
	k.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	stop := sync.OnceFunc(func() { _ = s.Close(); <-done })
	k.t.Cleanup(stop)
	return instance{l.Addr().String(), stop}
}

func TestACallOfWhichSomethingWasWrittenIsSentAgainOnlyIfItIsIdempotent(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Methods = []service.Method{{Name: "safe", Idempotent: true}, {Name: "once"}}
	})
	var got atomic.Int64
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		body, _ := io.ReadAll(r.Body)
		if got.Add(1) < 3 {
			panic(http.ErrAbortHandler) // breaks the connection off
		}
		_, _ = w.Write(body)
	}))
	envelope := func(method string) string {
		return `{"version":"1.1","method":"Echo.` + method + `","id":"7","params":["` + strings.Repeat("x", 200<<10) + `"]}`
	}
	tests := []struct {
		name, path, body string
		want, arrived    int
	}{
		{"raw", "/svc/Echo/x", "body", 502, 1},
		{"not idempotent", "/svc/Echo/", envelope("once"), 502, 1},
		{"undeclared", "/svc/Echo/", envelope("other"), 502, 1},
		{"idempotent", "/svc/Echo/", envelope("safe"), 200, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got.Store(0)
			r := k.post(tt.path, tt.body)
			r.must(t, tt.want)
			if n := got.Load(); n != int64(tt.arrived) {
				t.Errorf("arrived %d times, want %d", n, tt.arrived)
			}
			if tt.want == 200 && r.body != tt.body {
				t.Error("the body changed")
			}
		})
	}
	k.waitFor("ready again", func() bool { return k.phase() == service.Ready })
}
