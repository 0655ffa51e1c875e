package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/service"
)

// TestMain lets the test binary be the module that is run.
func TestMain(m *testing.M) {
	switch os.Getenv("BEHAVE") {
	case "":
		os.Exit(m.Run())
	case "serve":
		fmt.Fprintln(os.Stdout, "listening on", os.Getenv("PORT"))
		done := make(chan os.Signal, 1)
		signal.Notify(done, syscall.SIGTERM)
		go func() { <-done; os.Exit(0) }()
		panic(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("DYNSVC_ALLOC")) })))
	case "docker":
		pretendDocker(os.Getenv("FAKE_DOCKER"), os.Args[1:])
	case "exit":
		fmt.Fprintln(os.Stderr, "no database at db:5432")
		os.Exit(3)
	case "family": // leaves a grandchild that ignores the parent's end
		cmd := exec.Command("sleep", "600")
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stdout, "grandchild", cmd.Process.Pid)
		select {}
	}
}

// start runs a Runtime with one service of the given behaviour and returns it
// with a function that waits for a state.
func start(t *testing.T, behave string) (*local.Runtime, func(what string, ok func(service.State) bool) service.State) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, local.Options{Dir: t.TempDir()}, service.Job{Dir: t.TempDir(), Version: service.Version{
		ID: "dyn-a", Module: "A", Version: "1.0.0",
		Run: service.Run{Command: exe, Env: map[string]string{"BEHAVE": behave}, StopGrace: service.Duration{Duration: 5 * time.Second}},
	}})
}

// startWith runs a Runtime with one service, which is known as dyn-a.
func startWith(t *testing.T, opts local.Options, job service.Job) (*local.Runtime, func(what string, ok func(service.State) bool) service.State) {
	t.Helper()
	opts.RestartDelay = time.Millisecond
	r, err := local.Open(opts, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Ensure(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	states := make(chan service.State, 100)
	wg.Go(func() {
		if err := r.Run(ctx, func(s service.State) { states <- s }); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r, func(what string, ok func(service.State) bool) service.State {
		t.Helper()
		deadline := time.After(20 * time.Second)
		var last service.State
		for {
			select {
			case last = <-states:
				if ok(last) {
					return last
				}
			case <-deadline:
				t.Fatalf("no state with %s; last: %+v", what, last)
			}
		}
	}
}

func scale(t *testing.T, r *local.Runtime, to int) uint64 {
	t.Helper()
	revision, err := r.Scale(t.Context(), service.Scaling{ID: "dyn-a", To: to})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// ask repeats a GET until the child listens.
func ask(t *testing.T, addr string) string {
	t.Helper()
	for range 1000 {
		resp, err := http.Get("http://" + addr)
		if err != nil {
			<-time.After(10 * time.Millisecond)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	t.Fatalf("nothing listens on %s", addr)
	return ""
}

func TestScaleStartsAndStopsChildren(t *testing.T) {
	r, until := start(t, "serve")
	scale(t, r, 2)
	s := until("two endpoints", func(s service.State) bool { return len(s.Endpoints) == 2 })
	for i, e := range s.Endpoints {
		if got := ask(t, e.Addr); got != e.Alloc {
			t.Errorf("endpoint %s answered as %s", e.Alloc, got)
		}
		if e.Index != i {
			t.Errorf("index = %d, want %d", e.Index, i)
		}
	}
	scale(t, r, 1)
	left := until("one endpoint", func(s service.State) bool { return s.Count == 1 && len(s.Endpoints) == 1 })
	if left.Endpoints[0].Alloc != s.Endpoints[0].Alloc {
		t.Errorf("instance %d was stopped, want the one with the highest index", 0)
	}
	scale(t, r, 0)
	until("none", func(s service.State) bool { return s.Count == 0 && len(s.Endpoints) == 0 })
}

func TestReplaceStartsAnotherInstance(t *testing.T) {
	r, until := start(t, "serve")
	scale(t, r, 2)
	s := until("two endpoints", func(s service.State) bool { return len(s.Endpoints) == 2 })
	gone, stays := s.Endpoints[0].Alloc, s.Endpoints[1].Alloc
	if err := r.Replace(t.Context(), "dyn-a", gone); err != nil {
		t.Fatal(err)
	}
	s = until("another one", func(s service.State) bool {
		return len(s.Endpoints) == 2 && s.Endpoints[0].Alloc != gone && s.Endpoints[1].Alloc != gone
	})
	if s.Count != 2 || s.Endpoints[0].Alloc != stays && s.Endpoints[1].Alloc != stays {
		t.Errorf("count %d, endpoints %+v: want %s to stay", s.Count, s.Endpoints, stays)
	}
	if err := r.Replace(t.Context(), "dyn-a", gone); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("replacing it twice: %v, want not found", err)
	}
}

func TestScaleComparesAndSets(t *testing.T) {
	r, _ := start(t, "serve")
	revision := scale(t, r, 1)
	if _, err := r.Scale(t.Context(), service.Scaling{ID: "dyn-a", To: 0, Revision: revision}); err != nil {
		t.Errorf("scale with the right revision: %v", err)
	}
	if _, err := r.Scale(t.Context(), service.Scaling{ID: "dyn-a", To: 1, Revision: revision}); !errors.Is(err, service.ErrConflict) {
		t.Errorf("scale with an old revision: %v, want a conflict", err)
	}
	if _, err := r.Scale(t.Context(), service.Scaling{ID: "dyn-b", To: 1}); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("scale of an unknown service: %v, want not found", err)
	}
}

func TestEnsureKeepsTheCount(t *testing.T) {
	r, _ := start(t, "serve")
	scale(t, r, 1)
	before, _ := r.States()
	if err := r.Ensure(t.Context(), service.Job{Dir: t.TempDir(), Version: service.Version{ID: "dyn-a", Run: service.Run{Command: "true"}}}); err != nil {
		t.Fatal(err)
	}
	after, _ := r.States()
	if after[0].Count != 1 || after[0].Revision != before[0].Revision {
		t.Errorf("state = %+v after a second Ensure, want that of before: %+v", after[0], before[0])
	}
}

func TestImageIsRefusedWithAReason(t *testing.T) {
	r, _ := start(t, "serve")
	err := r.Ensure(t.Context(), service.Job{Version: service.Version{Module: "M", Version: "1.0.0", Run: service.Run{Image: "x"}}})
	if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "run.command") {
		t.Errorf("err = %v, want one that names run.command", err)
	}
}

func TestProgramThatEndsIsRestartedThenGivenUp(t *testing.T) {
	r, until := start(t, "exit")
	scale(t, r, 1)
	s := until("a final failure", func(s service.State) bool { return s.Failure != nil && s.Failure.Final })
	if s.Failure.Cause != service.Exited || !strings.Contains(s.Failure.Text, "exit code 3") {
		t.Errorf("failure = %+v, want exit code 3", s.Failure)
	}
	if !slices.Contains(s.Failure.Log, "no database at db:5432") {
		t.Errorf("log = %q, want what the program printed last", s.Failure.Log)
	}
	scale(t, r, 0)
	until("a clean slate", func(s service.State) bool { return s.Count == 0 && s.Failure == nil })
}

func TestLogsFollowInstancesThatComeLater(t *testing.T) {
	r, _ := start(t, "serve")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	lines := make(chan service.LogLine, 10)
	done := make(chan error, 1)
	go func() {
		done <- r.Logs(ctx, "dyn-a", service.LogOptions{Follow: true}, func(l service.LogLine) error { lines <- l; return nil })
	}()
	scale(t, r, 1)
	select {
	case l := <-lines:
		if l.Stream != "stdout" || !strings.HasPrefix(l.Text, "listening on") || l.Alloc == "" {
			t.Errorf("line = %+v", l)
		}
	case <-ctx.Done():
		t.Fatal("no line came")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("following ended with %v", err)
	}
}

func TestGrandchildrenOfAKilledRunAreEnded(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run", "0123456789abcdef"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	left := exec.CommandContext(t.Context(), "sleep", "600")
	left.Env = []string{"DYNSVC_ALLOC=0123456789abcdef"}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(local.Options{Dir: dir}, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := left.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the leftover ended with %v, want killed", err)
	}
}

func TestStoppingEndsTheWholeFamily(t *testing.T) {
	r, until := start(t, "family")
	scale(t, r, 1)
	until("an instance", func(s service.State) bool { return len(s.Endpoints) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var pid int
	enough := errors.New("enough")
	err := r.Logs(ctx, "dyn-a", service.LogOptions{Follow: true}, func(l service.LogLine) error {
		if _, err := fmt.Sscanf(l.Text, "grandchild %d", &pid); err == nil {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	scale(t, r, 0)
	for range 1000 {
		// A zombie counts as gone: whoever inherits it reaps it.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("grandchild %d still runs", pid)
}
