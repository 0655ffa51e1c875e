package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// attempt makes an attempt of a job of Echo.work.
func (k *kit) attempt(ctx context.Context, change ...func(*service.JobCall)) (service.JobAnswer, string, error) {
	call := service.JobCall{Job: "job-1", Service: echo, Module: "Echo", Method: "work", Params: []byte(`[1.50]`),
		Sending: func(context.Context) error { return nil }}
	for _, f := range change {
		f(&call)
	}
	var out bytes.Buffer
	a, err := k.gw.Call(ctx, call, &out)
	return a, out.String(), err
}

func worker(s *setup) {
	s.version.Typed = true
	s.version.Methods = []service.Method{{Name: "work", Mode: service.Async, Timeout: seconds(0.001), JobTimeout: seconds(60)}}
}

func TestAnAttemptIsACallWithHeadersOfItsOwn(t *testing.T) {
	var samples []service.Sample
	k := newKit(t, worker, func(s *setup) {
		s.opts.Callers = door{"root": {Name: "root", Role: service.Admin}}
		s.opts.Record = func(more []service.Sample) { samples = append(samples, more...) }
	})
	seen := make(chan *http.Request, 1)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		text, _ := io.ReadAll(r.Body)
		seen <- r
		_, _ = w.Write(text)
	}))
	before := time.Now()
	a, text, err := k.attempt(t.Context(), func(c *service.JobCall) {
		c.Progress, c.Authorization = "http://agent/progress", "OAuth of-the-module"
		c.Caller = service.Caller{Name: "ursula", Role: service.User}
	})
	if err != nil || a.Status != http.StatusOK || !a.Sent || text != `{"version":"1.1","id":"job-1","method":"Echo.work","params":[1.50]}` {
		t.Fatalf("%+v %q %v", a, text, err)
	}
	h := (<-seen).Header
	for name, want := range map[string]string{"X-Dynsvc-Job": "job-1", "X-Dynsvc-Progress": "http://agent/progress", "X-Dynsvc-User": "ursula",
		"Authorization": "OAuth of-the-module", "Content-Type": "application/json", "X-Request-Id": "job-1"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	ms, err := strconv.ParseInt(h.Get("X-Dynsvc-Deadline"), 10, 64)
	if at := time.UnixMilli(ms); err != nil || at.Before(before.Add(50*time.Second)) {
		t.Errorf("the deadline is %s: a job has the time of a job", h.Get("X-Dynsvc-Deadline"))
	}
	// What a client sends of these headers goes no further.
	k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.status","id":1}`, "X-Dynsvc-Job", "forged", "X-Dynsvc-Progress", "forged").must(t, http.StatusOK)
	if h := (<-seen).Header; h.Get("X-Dynsvc-Job")+h.Get("X-Dynsvc-Progress") != "" {
		t.Error("a caller can pretend to be a job")
	}
	k.stop()
	var calls int64
	for _, s := range samples {
		if s.Method == "work" {
			calls += s.Calls
		}
	}
	if calls != 1 {
		t.Errorf("%d calls of the method were recorded", calls)
	}
}

func TestAnAttemptByNameIsJSONRPC2(t *testing.T) {
	k := newKit(t, worker)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // what came is what is said
		_, _ = w.Write(text)
	}))
	a, text, err := k.attempt(t.Context(), func(c *service.JobCall) { c.Params = []byte(` {"n": 1.50}`) })
	if err != nil || a.Status != http.StatusOK || text != `{"jsonrpc":"2.0","id":"job-1","method":"Echo.work","params":{"n":1.50}}` {
		t.Fatalf("%+v %q %v", a, text, err)
	}
}

func TestAnAttemptThatDidNotArriveSaysSo(t *testing.T) {
	k := newKit(t, worker)
	st := state(1)
	st.Failure = &service.Failure{Cause: service.Exited, Text: "the program ended with status 3", Final: true}
	k.gw.Apply(st)
	a, _, err := k.attempt(t.Context())
	if a.Sent || a.After <= 0 || err == nil || !strings.Contains(err.Error(), "status 3") {
		t.Errorf("a failed start: %+v %v", a, err)
	}

	k = newKit(t, worker)
	k.up(k.backend(hello))
	refused := errors.New("the disk is full")
	a, _, err = k.attempt(t.Context(), func(c *service.JobCall) { c.Sending = func(context.Context) error { return refused } })
	if a.Sent || !errors.Is(err, refused) {
		t.Errorf("not allowed to send: %+v %v", a, err)
	}
	if l := k.load(); l.InFlight != 0 {
		t.Errorf("%d calls in flight", l.InFlight)
	}

	k = newKit(t, worker, func(s *setup) { s.opts.Hold = 100 * time.Millisecond })
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	a, _, err = k.attempt(t.Context())
	if a.Sent || a.After <= 0 || err != nil {
		t.Errorf("a full instance: %+v %v", a, err)
	}
}

func TestAnAttemptWhoseAnswerBreaksOffWasSent(t *testing.T) {
	k := newKit(t, worker)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		text, _ := io.ReadAll(r.Body)
		if strings.Contains(string(text), "half") {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		}
		panic(http.ErrAbortHandler)
	}))
	for _, params := range []string{`[]`, `["half"]`} {
		a, _, err := k.attempt(t.Context(), func(c *service.JobCall) { c.Params = []byte(params) })
		if !a.Sent || err == nil || a.Late {
			t.Errorf("%s: %+v %v", params, a, err)
		}
	}
}

func TestAnAttemptEndsWithItsContextAndInTime(t *testing.T) {
	k := newKit(t, worker, func(s *setup) { s.version.Methods[0].JobTimeout = seconds(0.2) })
	arrived, left := make(chan struct{}, 2), make(chan struct{}, 2)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}))
	a, _, err := k.attempt(t.Context())
	if !a.Late || !a.Sent || err == nil || !strings.Contains(err.Error(), "did not answer work within 200ms") {
		t.Errorf("late: %+v %v", a, err)
	}
	<-arrived
	<-left
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	a, _, err = k.attempt(ctx)
	if a.Late || !a.Sent || err == nil {
		t.Errorf("cancelled: %+v %v", a, err)
	}
	<-left
}

func TestAnAttemptThatCouldNotConnectWasNotSent(t *testing.T) {
	k := newKit(t, worker)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that no call meets a connection that is closing
	})}
	go func() { _ = server.Serve(l) }()
	k.up(gone)
	_ = server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	a, _, err := k.attempt(ctx)
	if a.Sent || err == nil {
		t.Errorf("nobody listens: %+v %v", a, err)
	}
}
