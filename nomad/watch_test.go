package nomad

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// watched is a Cluster on a fake Nomad whose watch runs.
type watched struct {
	*Cluster
	t      *testing.T
	mu     sync.Mutex
	states map[service.ID]service.State
	news   chan struct{}
}

func watch(t *testing.T, f *fake) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Open(ctx, Options{Address: f.URL, Reconcile: time.Hour}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Cluster: c, t: t, states: map[service.ID]service.State{}, news: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		done <- c.Run(ctx, func(s service.State) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.states[s.ID] = s
			close(w.news)
			w.news = make(chan struct{})
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	<-f.streams
	return w
}

func (w *watched) until(what string, id service.ID, fits func(service.State) bool) service.State {
	w.t.Helper()
	late := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		s, news := w.states[id], w.news
		w.mu.Unlock()
		if fits(s) {
			return s
		}
		select {
		case <-news:
		case <-late:
			w.t.Fatalf("no %s; last state %+v, failure %+v", what, s, s.Failure)
		}
	}
}

const id = service.ID("dyn-a-00000001")

func registered(s service.State) bool { return s.Registered }
func reachable(s service.State) bool  { return len(s.Endpoints) == 1 }
func broken(s service.State) bool     { return s.Failure != nil }
func given(s service.State) bool      { return s.Failure != nil && s.Failure.Final }

func TestEndpointIsKnownBeforeTheProgramRuns(t *testing.T) {
	f := newFake(t)
	w := watch(t, f)
	if err := w.Ensure(t.Context(), service.Job{Version: service.Version{ID: id}, HCL: `job "dyn-a-00000001" count 3`, Digest: "sha256:1"}); err != nil {
		t.Fatal(err)
	}
	if s := w.until("job", id, registered); s.Count != 0 {
		t.Errorf("count = %d, want 0", s.Count)
	}
	rev, err := w.Scale(t.Context(), service.Scaling{ID: id, To: 1})
	if err != nil {
		t.Fatal(err)
	}
	f.place(string(id), "one", nil)
	s := w.until("endpoint", id, reachable)
	want := service.Endpoint{Alloc: "one", Addr: "127.0.0.1:20001", Transport: service.Plain, Placed: s.Endpoints[0].Placed}
	if s.Endpoints[0] != want || s.Revision != rev {
		t.Errorf("state = %+v, want %+v at revision %d", s, want, rev)
	}
	f.place(string(id), "one", func(a *allocation) {
		a.ClientStatus = "running"
		a.TaskStates = map[string]*taskState{"app": {State: "running"}}
	})
	w.until("running", id, func(s service.State) bool { return reachable(s) && s.Endpoints[0].Running })
	f.place(string(id), "one", func(a *allocation) { a.DesiredStatus = "stop" })
	w.until("end", id, func(s service.State) bool { return len(s.Endpoints) == 0 })
	if states, fresh := w.States(); !fresh || len(states) != 1 {
		t.Errorf("States = %v, %t", states, fresh)
	}
}

func TestScaleRefusals(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	path := "PUT /v1/job/" + string(id) + "/scale"
	tests := []struct {
		name   string
		status int
		text   string
		in     service.Scaling
		want   error
	}{
		{"deploying", http.StatusBadRequest, "job scaling blocked due to active deployment", service.Scaling{ID: id}, service.ErrDeploying},
		{"bounds", http.StatusBadRequest, "group count was less than scaling policy minimum: 0 < 1", service.Scaling{ID: id}, service.ErrInvalid},
		{"conflict", 0, "", service.Scaling{ID: id, Revision: 7}, service.ErrConflict},
		{"gone", 0, "", service.Scaling{ID: "dyn-b-00000002"}, service.ErrNotFound},
		{"crowded", http.StatusTooManyRequests, "too many concurrent connections", service.Scaling{ID: id}, service.ErrUnavailable},
		{"no leader", http.StatusInternalServerError, "No cluster leader", service.Scaling{ID: id}, service.ErrUnavailable},
		{"token", http.StatusForbidden, "Permission denied", service.Scaling{ID: id}, service.ErrDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := 0
			f.do(func() { f.refuse[path], f.refusal, before = tt.status, tt.text, f.asked[path] })
			_, err := c.Scale(t.Context(), tt.in)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), string(tt.in.ID)) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
			if n := f.requests(path) - before; tt.status != 0 && n != 1 {
				t.Errorf("%d requests, want 1: a write is not repeated", n)
			}
		})
	}
	f.Close()
	_, err = c.Scale(t.Context(), service.Scaling{ID: id})
	if !errors.Is(err, service.ErrUnavailable) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("error without a server = %v, want one without addresses: callers read it", err)
	}
}

func TestReplace(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	f.place(string(id), "one", nil)
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Replace(t.Context(), id, "one"); err != nil {
		t.Error(err)
	}
	if n := f.requests("PUT /v1/allocation/one/stop"); n != 1 {
		t.Errorf("%d requests to stop the instance, want 1", n)
	}
	if err := c.Replace(t.Context(), id, "two"); !errors.Is(err, service.ErrNotFound) || !strings.Contains(err.Error(), "instance two of "+string(id)) {
		t.Errorf("error of an instance that is not there = %v", err)
	}
}

func TestWhatTheStreamMissedIsFoundInTheLists(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	f.place(string(id), "one", nil)
	f.addJob("dyn-gone-00000002", 0)
	f.addJob("other", 5)
	w := watch(t, f)
	w.until("endpoint", id, reachable)
	w.until("job", "dyn-gone-00000002", registered)

	f.do(func() {
		f.quiet = true
		delete(f.jobs, "dyn-gone-00000002")
		delete(f.allocs, "one")
	})
	f.place(string(id), "two", func(a *allocation) { a.Name = string(id) + ".app[4]" })
	f.addJob("dyn-new-00000003", 2)
	f.do(func() { f.quiet = false })
	f.hangUp()
	<-f.streams
	w.until("other endpoint", id, func(s service.State) bool {
		return reachable(s) && s.Endpoints[0].Alloc == "two" && s.Endpoints[0].Index == 4
	})
	w.until("new job", "dyn-new-00000003", func(s service.State) bool { return s.Registered && s.Count == 2 })
	w.until("purge", "dyn-gone-00000002", func(s service.State) bool { return s.ID != "" && !s.Registered })
	if _, ok := w.states["other"]; ok {
		t.Error("a job that is not ours was told")
	}
}

func TestIndexGoesBackwards(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	f.place(string(id), "one", nil)
	w := watch(t, f)
	w.until("endpoint", id, reachable)
	f.do(func() {
		f.index, f.quiet = 5, true
		clear(f.jobs)
		clear(f.allocs)
	})
	f.addJob(string(id), 0)
	f.addJob("dyn-old-00000004", 3)
	signal(w.relist)
	w.until("old job", "dyn-old-00000004", func(s service.State) bool { return s.Count == 3 })
	w.until("old count", id, func(s service.State) bool {
		return s.Registered && s.Count == 0 && len(s.Endpoints) == 0 && s.Revision < 100
	})
	f.do(func() { f.quiet = false })
	f.place("dyn-old-00000004", "three", nil)
	w.until("endpoint", "dyn-old-00000004", reachable)
}

func TestNoCapacity(t *testing.T) {
	lacking := map[string]*metrics{group: {NodesEvaluated: 3, DimensionExhausted: map[string]int{"memory": 2, "devices: no devices match request": 1}}}
	const text = "no node can hold it now: memory exhausted on 2 nodes, devices: no devices match request on 1 node"
	for _, quiet := range []bool{false, true} {
		f := newFake(t)
		f.addJob(string(id), 0)
		w := watch(t, f)
		w.until("job", id, registered)
		if quiet { // the evaluation's event is lost: it is read
			f.do(func() { f.quiet = true })
			f.evaluate(&evaluation{ID: "scaled", JobID: string(id), Status: "complete", FailedTGAllocs: lacking})
			f.do(func() { f.evals["scaled"].ModifyIndex += 100; f.quiet = false })
		}
		if _, err := w.Scale(t.Context(), service.Scaling{ID: id, To: 1}); err != nil {
			t.Fatal(err)
		}
		if !quiet {
			f.evaluate(&evaluation{ID: "b", JobID: string(id), Status: "blocked", FailedTGAllocs: lacking})
		}
		s := w.until("failure", id, broken)
		if s.Failure.Cause != service.NoCapacity || s.Failure.Text != text || !s.Failure.Final {
			t.Errorf("failure = %+v, want %q", s.Failure, text)
		}
		f.place(string(id), "one", nil)
		w.until("placement", id, func(s service.State) bool { return reachable(s) && s.Failure == nil })
	}
}

func TestAFailureOfBeforeDoesNotCountAgain(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	w := watch(t, f)
	f.evaluate(&evaluation{ID: "b", JobID: string(id), Status: "blocked", FailedTGAllocs: map[string]*metrics{group: {NodesInPool: 1}}})
	w.until("failure", id, broken)
	for _, to := range []int{0, 1} {
		if _, err := w.Scale(t.Context(), service.Scaling{ID: id, To: to}); err != nil {
			t.Fatal(err)
		}
		if s := w.until("count", id, func(s service.State) bool { return s.Count == to }); s.Failure != nil {
			t.Errorf("failure at count %d = %+v", to, s.Failure)
		}
	}
}

func TestBadImage(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	w := watch(t, f)
	f.place(string(id), "one", failed(details("Driver Failure", "driver_error",
		"Failed to pull `r.example.org/x:1`: Error response from daemon: manifest for r.example.org/x:1 not found: manifest unknown"), details("Not Restarting")))
	s := w.until("failure", id, given)
	want := "the image cannot be had: Failed to pull `r.example.org/x:1`: manifest for r.example.org/x:1 not found: manifest unknown"
	if s.Failure.Cause != service.BadImage || s.Failure.Text != want || s.Failure.Alloc != "one" {
		t.Errorf("failure = %+v, want %q", s.Failure, want)
	}
	if len(s.Endpoints) != 0 {
		t.Errorf("endpoints = %v", s.Endpoints)
	}
}

func TestExitIsFinalWhenNomadGivesUp(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	f.logs["one/stdout"] = "hello\n"
	f.logs["one/stderr"] = strings.Repeat("noise\n", 40) + "broken\n"
	f.logs["two/stderr"] = "broken again\n"
	w := watch(t, f)
	w.until("job", id, registered)
	exit := func() []*taskEvent { return []*taskEvent{details("Started"), details("Terminated", "exit_code", "1")} }
	f.evaluate(&evaluation{ID: "e1", JobID: string(id), Status: "pending", TriggeredBy: "alloc-failure"})
	f.place(string(id), "one", failed(exit()...))
	s := w.until("log", id, func(s service.State) bool { return broken(s) && len(s.Failure.Log) > 0 })
	if s.Failure.Text != "the program exited with code 1 after 0.2 s" || s.Failure.Final {
		t.Errorf("failure = %+v", s.Failure)
	}
	if l := s.Failure.Log; len(l) != lastLines || l[len(l)-1] != "broken" {
		t.Errorf("log = %q", l)
	}
	f.place(string(id), "one", func(a *allocation) { a.FollowupEvalID = "e2" })
	f.evaluate(&evaluation{ID: "e1", JobID: string(id), Status: "complete", TriggeredBy: "alloc-failure"})
	f.place(string(id), "two", nil)
	f.place(string(id), "one", func(a *allocation) { a.NextAllocation, a.DesiredStatus = "two", "stop" })
	if s := w.until("second endpoint", id, reachable); s.Failure == nil || s.Failure.Final {
		t.Errorf("failure while the next is started = %+v", s.Failure)
	}
	f.place(string(id), "two", failed(exit()...))
	f.status(string(id), "dead")
	s = w.until("end", id, given)
	if s.Failure.Alloc != "two" || !slices.Equal(s.Failure.Log, []string{"broken again"}) {
		t.Errorf("failure = %+v", s.Failure)
	}
}

func TestEnsure(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 2)
	w := watch(t, f)
	w.until("job", id, registered)
	ensure := func(digest string) error {
		return w.Ensure(t.Context(), service.Job{Version: service.Version{ID: id}, HCL: `job "dyn-a-00000001" count 7`, Digest: digest})
	}
	if err := ensure("sha256:1"); err != nil || f.requests("GET /v1/job/"+string(id)) > 1 {
		t.Errorf("Ensure of the same = %v", err)
	}
	if err := ensure("sha256:2"); err != nil {
		t.Error(err)
	}
	if n := new(f.job(id)).count(); n != 2 {
		t.Errorf("count after another text = %d, want 2", n)
	}
	f.do(func() {
		j := new(*f.jobs[string(id)])
		j.Stop = true
		f.put(j, true)
	})
	w.until("stop", id, func(s service.State) bool { return !s.Registered })
	if err := ensure("sha256:2"); err != nil {
		t.Error(err)
	}
	if j := f.job(id); (&j).count() != 0 || j.Stop {
		t.Errorf("job after it was stopped and ensured = %+v", j)
	}
	if err := w.Ensure(t.Context(), service.Job{Version: service.Version{ID: "dyn-x-00000009"}, HCL: `job "dyn-a-00000001" count 7`}); !errors.Is(err, service.ErrInvalid) {
		t.Errorf("Ensure of another job's text = %v", err)
	}
}

func TestLogs(t *testing.T) {
	f := newFake(t)
	f.addJob(string(id), 1)
	f.logs["one/stdout"] = "a\nb\nc\nd"
	f.place(string(id), "one", func(a *allocation) { a.TaskStates = map[string]*taskState{"app": {State: "running"}} })
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tail int
		want string
	}{{0, "a b c d"}, {2, "c d"}, {9, "a b c d"}} {
		var got []string
		err := c.Logs(t.Context(), id, service.LogOptions{Tail: tt.tail}, func(l service.LogLine) error {
			got = append(got, l.Text)
			return nil
		})
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("tail %d = %q, %v, want %q", tt.tail, got, err, tt.want)
		}
	}
	if err := c.Logs(t.Context(), "dyn-b-00000002", service.LogOptions{}, nil); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Logs of no service = %v", err)
	}
	// An instance answers before its node has told that it runs: it has printed
	// nothing then, and is not unknown.
	f.place(string(id), "two", nil)
	nothing := func(l service.LogLine) error { return errors.New(l.Text) }
	if err := c.Logs(t.Context(), id, service.LogOptions{Alloc: "two"}, nothing); err != nil {
		t.Errorf("Logs of what has just been placed = %v", err)
	}
	if err := c.Logs(t.Context(), id, service.LogOptions{Alloc: "three"}, nothing); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Logs of no instance = %v", err)
	}
}
