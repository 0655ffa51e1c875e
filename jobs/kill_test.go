package jobs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// childJob, if set, makes the test program an agent: store, gateway and jobs
// over a folder, in front of an instance that the parent plays.
const childJob = "JOBS_TEST_CHILD"

type child struct {
	Dir      string
	Instance string // address
	Hook     string // URL for the callback
	Method   string
	Point    string // where to stop and wait for death; empty: nowhere
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childJob); text != "" {
		fmt.Fprintln(os.Stderr, runChild(text))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// runChild submits a job under one key, prints how it ended, and waits to be
// killed. At the point it was told it prints that it is there and goes no
// further.
func runChild(text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ctx, log := context.Background(), hclog.NewNullLogger()
	db, err := store.Open(ctx, filepath.Join(c.Dir, "dynsvc.db"), log)
	if err != nil {
		return err
	}
	gw := gateway.New(log, nobody{}, gateway.Options{})
	m, err := db.Module(ctx, "A")
	if err != nil {
		return err
	}
	gw.Publish(m)
	gw.Apply(service.State{ID: m.Versions[0].ID, Registered: true, Count: 1, Revision: 1, Endpoints: []service.Endpoint{
		{Alloc: "a", Addr: c.Instance, Transport: service.Plain, Running: true}}})
	q, err := jobs.Open(ctx, db, filepath.Join(c.Dir, "jobs"), gw, log, jobs.Options{CallbackNetworks: []netip.Prefix{loopback}})
	if err != nil {
		return err
	}
	q.Reach(func(point string) {
		if point == c.Point {
			fmt.Fprintln(os.Stdout, "reached")
			select {} // until killed
		}
	})
	failed := make(chan error, 2)
	go func() { failed <- gw.Run(ctx) }()
	go func() { failed <- q.Run(ctx) }()
	// Whoever was not answered submits again with the same key.
	job, _, err := q.Submit(ctx, jobs.Submission{Key: "the one key of this call", Callback: &jobs.Callback{URL: c.Hook, Secret: hookSecret},
		JobRequest: service.JobRequest{Module: "A", Method: c.Method, Params: json.RawMessage(`[1]`)}})
	for err == nil && (!job.State.Finished() || job.Callback.State != service.CallbackDelivered) {
		job, err = q.Wait(ctx, job.ID, time.Second)
		if job.State.Finished() {
			err = errors.Join(err, pause())
		}
	}
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(job); err != nil {
		return err
	}
	return <-failed
}

// pause lets a callback be sent.
func pause() error {
	<-time.After(10 * time.Millisecond)
	return nil
}

type nobody struct{}

func (nobody) Wake(context.Context, service.ID) error { return errors.New("nothing is to be woken") }

// world is what outlives agents: an instance and a receiver of callbacks.
type world struct {
	mu       sync.Mutex
	ran      int             // how often the method ran
	jobs     map[string]bool // ids that the instance was told
	messages []string        // Webhook-Id
	answer   string
	hold     bool          // the next run tells that it runs, and does not end
	runs     chan struct{} // it does
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if id := r.Header.Get("Webhook-Id"); id != "" {
		w.messages = append(w.messages, id)
		return
	}
	if !strings.Contains(string(text), `"params":[1]`) {
		return
	}
	w.ran++
	w.jobs[r.Header.Get("X-Dynsvc-Job")] = true
	if w.hold {
		w.hold = false
		w.runs <- struct{}{}
		w.mu.Unlock()
		<-r.Context().Done()
		w.mu.Lock()
		return
	}
	_, _ = io.WriteString(rw, w.answer)
}

// kill -9 at each step loses no job, and runs none twice that must not be.
func TestKilledAgentLosesAndDoublesNothing(t *testing.T) {
	const (
		done = service.JobDone
		dead = service.JobDead
	)
	type outcome struct {
		State service.JobState
		Ran   int
	}
	for _, tt := range []struct {
		point       string // where the first agent is killed; "call": while the method runs
		again, once outcome
		messages    int // callbacks that arrive, all the same one
		big         bool
	}{
		{"submit", outcome{done, 1}, outcome{done, 1}, 1, false},
		{"inserted", outcome{done, 1}, outcome{done, 1}, 1, false},
		{"claimed", outcome{done, 1}, outcome{done, 1}, 1, false},
		{"sending", outcome{done, 1}, outcome{dead, 0}, 1, false},
		{"call", outcome{done, 2}, outcome{dead, 1}, 1, false},
		{"answered", outcome{done, 2}, outcome{dead, 1}, 1, false},
		{"answered", outcome{done, 2}, outcome{dead, 1}, 1, true},
		{"stored", outcome{done, 1}, outcome{done, 1}, 1, true},
		{"calling", outcome{done, 1}, outcome{done, 1}, 1, false},
		{"called", outcome{done, 1}, outcome{done, 1}, 2, false},
	} {
		for method, want := range map[string]outcome{"again": tt.again, "once": tt.once} {
			name := tt.point + " " + method
			if tt.big {
				name += " big"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				result := `[1]`
				if tt.big {
					result = `["` + strings.Repeat("x", 17<<20) + `"]`
				}
				w := &world{jobs: map[string]bool{}, answer: `{"result": ` + result + `}`, hold: tt.point == "call", runs: make(chan struct{}, 1)}
				server := httptest.NewServer(w)
				t.Cleanup(server.Close)
				dir := t.TempDir()
				openDB(t, dir)
				c := child{Dir: dir, Instance: server.Listener.Addr().String(), Hook: server.URL, Method: method, Point: tt.point}
				first := start(t, c)
				if tt.point == "call" {
					<-w.runs
				} else if line := first.line(); line != "reached" {
					t.Fatalf("the agent printed %q and not that it reached %s", line, tt.point)
				}
				first.kill()

				c.Point = ""
				second := start(t, c)
				var job service.CallJob
				if err := json.Unmarshal([]byte(second.line()), &job); err != nil {
					t.Fatal(err)
				}
				second.kill()
				w.mu.Lock()
				defer w.mu.Unlock()
				if diff := cmp.Diff(want, outcome{job.State, w.ran}); diff != "" {
					t.Errorf("(-want +got):\n%s; %+v", diff, job)
				}
				if job.State == dead && !strings.Contains(job.Reason, "the agent died") {
					t.Errorf("the reason is %q", job.Reason)
				}
				if len(w.jobs) > 1 || len(w.messages) != tt.messages || tt.messages > 1 && w.messages[0] != w.messages[1] {
					t.Errorf("the instance was told of %v, the receiver %v", w.jobs, w.messages)
				}
				files, err := filepath.Glob(filepath.Join(dir, "jobs", "results", "*"))
				if want := tt.big && job.State == done; err != nil || (len(files) == 1) != want || len(files) > 1 {
					t.Errorf("files of results %v, %v", files, err)
				}
			})
		}
	}
}

// process is a running child.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	scan *bufio.Scanner
}

func start(t *testing.T, c child) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), self)}
	p.cmd.Env = append(os.Environ(), childJob+"="+string(text))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.scan = bufio.NewScanner(out)
	return p
}

func (p *process) line() string {
	p.t.Helper()
	if !p.scan.Scan() {
		p.t.Fatalf("the agent ended by itself: %v", p.cmd.Wait())
	}
	return p.scan.Text()
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != -1 {
		p.t.Fatalf("the agent ended by itself: %v", err)
	}
}
