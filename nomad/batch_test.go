package nomad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// follower is one who follows a run on a fake Nomad.
type follower struct {
	*Cluster
	f    *fake
	id   string
	end  chan error
	news chan struct{}

	mu    sync.Mutex
	said  map[string]string
	waits []string
}

func follow(t *testing.T) *follower {
	t.Helper()
	f := newFake(t)
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	fol := &follower{Cluster: c, f: f, end: make(chan error, 1), news: make(chan struct{}, 1000), said: map[string]string{}}
	if fol.id, err = c.Dispatch(t.Context(), service.Batch{Job: "dynsvc-build", Key: "one", Meta: map[string]string{"image": "x"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { fol.end <- c.FollowBatch(ctx, fol.id, fol.emit, fol.wait) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return fol
}

func (fol *follower) emit(task string, text []byte) error {
	fol.mu.Lock()
	defer fol.mu.Unlock()
	fol.said[task] += string(text)
	fol.news <- struct{}{}
	return nil
}

func (fol *follower) wait(reason string) {
	fol.mu.Lock()
	defer fol.mu.Unlock()
	fol.waits = append(fol.waits, reason)
	fol.news <- struct{}{}
}

// until waits for what it has heard to fit.
func (fol *follower) until(t *testing.T, what string, fits func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		fol.mu.Lock()
		ok := fits()
		fol.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-fol.news:
		case <-late:
			t.Fatalf("not heard: %s; said %q, waits %q", what, fol.said, fol.waits)
		}
	}
}

func (fol *follower) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-fol.end:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the run is still followed")
		return nil
	}
}

// tasks makes an allocation one with these tasks, oldest first.
func tasks(status string, all ...any) func(*allocation) {
	return func(a *allocation) {
		a.ClientStatus, a.NodeName, a.TaskStates = status, "here", map[string]*taskState{}
		for i := 0; i < len(all); i += 2 {
			state := all[i+1].(*taskState)
			for n, e := range state.Events {
				e.Time = int64(i*1000+n+1) * int64(time.Millisecond)
			}
			a.TaskStates[all[i].(string)] = state
		}
	}
}

func runs() *taskState {
	return &taskState{State: "running", Events: []*taskEvent{details("Started")}}
}

func ends(code string) *taskState {
	return &taskState{State: "dead", Failed: code != "0", Events: []*taskEvent{details("Started"), details("Terminated", "exit_code", code)}}
}

func TestARunIsFollowedToItsEnd(t *testing.T) {
	fol := follow(t)
	f := fol.f
	f.evaluate(&evaluation{ID: "e", JobID: fol.id, FailedTGAllocs: map[string]*metrics{"build": {DimensionExhausted: map[string]int{"memory": 1}}}})
	fol.until(t, "why it waits", func() bool { return len(fol.waits) == 1 })

	f.do(func() { f.logs["a/build/stdout"] = "Step 1/2 : FROM scratch\n" })
	f.place(fol.id, "a", tasks("running", "build", runs()))
	fol.until(t, "the first step", func() bool { return fol.said["build"] == "Step 1/2 : FROM scratch\n" })
	// Nomad goes away and comes back.
	f.do(func() { f.refuse["GET /v1/allocations"] = http.StatusInternalServerError; f.refusal = "no leader" })
	fol.until(t, "that Nomad is away", func() bool { return len(fol.waits) == 2 })
	f.do(func() {
		delete(f.refuse, "GET /v1/allocations")
		f.logs["a/build/stdout"] += "Step 2/2 : COPY . .\n"
		f.logs["a/push/stdout"] = "pushed\n"
	})
	f.place(fol.id, "a", tasks("complete", "build", ends("0"), "push", ends("0")))
	if err := fol.ended(t); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"build": "Step 1/2 : FROM scratch\nStep 2/2 : COPY . .\n", "push": "pushed\n"}
	if diff := cmp.Diff(want, fol.said); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(fol.waits[0], "memory exhausted on 1 node") || !strings.Contains(fol.waits[1], "no leader") {
		t.Errorf("waits %q", fol.waits)
	}
}

func TestARunThatFailsSaysWhy(t *testing.T) {
	tests := []struct {
		name  string
		alloc func(*allocation)
		want  service.BatchError
	}{
		{"exit", tasks("failed", "build", ends("7"), "push", &taskState{State: "dead"}), service.BatchError{Task: "build", Exit: 7, Text: "exited with code 7 after 1 ms"}},
		{"second", tasks("failed", "build", ends("0"), "push", ends("1")), service.BatchError{Task: "push", Exit: 1, Text: "exited with code 1 after 1 ms"}},
		{"lost", tasks("lost", "build", runs()), service.BatchError{Lost: true, Text: "the node here, which ran it, was lost"}},
		{"archive", tasks("failed", "build", &taskState{State: "dead", Failed: true, Events: []*taskEvent{details("Failed Artifact Download", "download_error", "bad response code: 404")}}),
			service.BatchError{Text: "the artifact cannot be had: bad response code: 404"}},
		{"second does not start", tasks("failed", "build", ends("0"), "push", &taskState{State: "dead", Failed: true, Events: []*taskEvent{details("Failed Validation", "validation_error", "no such word")}}),
			service.BatchError{Text: `the task "push" is not valid on its node: no such word`}},
		{"unknown", tasks("failed"), service.BatchError{Text: "Nomad says no more than that it failed"}},
		{"stopped", func(a *allocation) {
			tasks("complete", "build", &taskState{State: "dead", Events: []*taskEvent{details("Started")}})(a)
			a.DesiredStatus = "stop"
		}, service.BatchError{Text: "it was stopped in Nomad"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fol := follow(t)
			fol.f.place(fol.id, "a", tt.alloc)
			got, ok := errors.AsType[*service.BatchError](fol.ended(t))
			if !ok {
				t.Fatal("it ended well")
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARunOfWhichNothingIsKept(t *testing.T) {
	fol := follow(t)
	fol.f.status(fol.id, "dead")
	if err := fol.ended(t); err == nil || !strings.Contains(err.Error(), "has not kept how") {
		t.Errorf("it ended with %v", err)
	}
}

// TestARunWhoseNodeIsGone asks for output that nobody has any more: how the run ended
// is told all the same.
func TestARunWhoseNodeIsGone(t *testing.T) {
	f := newFake(t)
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	f.place("run", "a", tasks("failed", "build", ends("7")))
	f.do(func() {
		f.refuse["GET /v1/client/fs/logs/a"], f.refusal = http.StatusInternalServerError, "no path to node"
	})
	fol := &batchFollower{cluster: c, id: "run", read: map[string]int64{}}
	for range mostUnread {
		if ended, err := fol.look(t.Context()); ended || !errors.Is(err, service.ErrUnavailable) {
			t.Fatalf("ended %t, %v", ended, err)
		}
	}
	ended, err := fol.look(t.Context())
	if failure, ok := errors.AsType[*service.BatchError](err); !ended || !ok || failure.Exit != 7 {
		t.Errorf("ended %t, %v", ended, err)
	}
}

func TestARunIsDispatchedOnceAndForgotten(t *testing.T) {
	fol := follow(t)
	again, err := fol.Dispatch(t.Context(), service.Batch{Job: "dynsvc-build", Key: "one"})
	if err != nil || again != fol.id {
		t.Errorf("dispatched as %s and %s: %v", fol.id, again, err)
	}
	for range 2 { // who comes late is not told off
		if err := fol.EndBatch(t.Context(), fol.id); err != nil {
			t.Error(err)
		}
	}
	if err := fol.ended(t); err == nil || !strings.Contains(err.Error(), "stopped in Nomad before a node had it") {
		t.Errorf("a run that is gone ended with %v", err)
	}
}

func TestABatchJobIsRegisteredWhenItChanges(t *testing.T) {
	f := newFake(t)
	c, err := Open(t.Context(), Options{Address: f.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	job := service.Job{Version: service.Version{ID: "builds"}, HCL: `job "builds" count 1`, Digest: "sha256:1"}
	for i, digest := range []string{"sha256:1", "sha256:1", "sha256:2"} {
		job.Digest = digest
		if err := c.EnsureBatch(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if got, want := f.requests("PUT /v1/jobs"), []int{1, 1, 2}[i]; got != want {
			t.Errorf("%s: registered %d times, want %d", digest, got, want)
		}
		f.do(func() { f.jobs["builds"].Meta = map[string]string{metaDigest: digest} })
	}
	job.Version.ID, job.Digest = "other", "sha256:3"
	if err := c.EnsureBatch(t.Context(), job); !errors.Is(err, service.ErrInvalid) {
		t.Errorf("a text of another job: %v", fmt.Sprint(err))
	}
}
