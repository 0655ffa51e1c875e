package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runtime is one way to run Echo.
type runtime struct {
	name    string
	program string // what must be installed
	from    string // the Debian package that it is in
	args    []string
}

var runtimes = []runtime{
	{"go", "go", "golang", nil},
	{"javascript", "node", "nodejs", []string{"echo.mjs"}},
	{"python", "python3", "python3", []string{"echo.py"}},
}

// folder is where the Go runtime's program is built, once, when a test needs it.
var folder string

var goEcho = sync.OnceValues(func() (string, error) {
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", folder, "./echo").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build ./echo: %w\n%s", err, out)
	}
	return filepath.Join(folder, "echo"), nil
})

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "echo")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	folder = dir + string(filepath.Separator)
	return m.Run()
}

func eachRuntime(t *testing.T, f func(*testing.T, runtime)) {
	for _, rt := range runtimes {
		t.Run(rt.name, func(t *testing.T) {
			if _, err := exec.LookPath(rt.program); err != nil {
				t.Fatalf("%s is not installed, and the runtime for it is part of the product: apt-get install %s (or put it on the PATH)", rt.program, rt.from)
			}
			f(t, rt)
		})
	}
}

// echo is a running Echo.
type echo struct {
	addr, url string
	client    *http.Client
	cmd       *exec.Cmd
	ended     chan struct{}
	out       *lines
}

// lines is what a program says on stderr.
type lines struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed with the next write
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *lines) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.changed
}

// spawn starts Echo without waiting for it.
func spawn(t *testing.T, rt runtime, env ...string) *echo {
	t.Helper()
	port := freePort(t)
	e := &echo{
		addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ended: make(chan struct{}),
		out: &lines{changed: make(chan struct{})},
	}
	e.url = "http://" + e.addr
	transport := &http.Transport{MaxIdleConnsPerHost: 1000, ExpectContinueTimeout: patience}
	e.client = &http.Client{Transport: transport, Timeout: patience}
	program := rt.program
	if rt.name == "go" {
		var err error
		if program, err = goEcho(); err != nil {
			t.Fatal(err)
		}
	}
	e.cmd = exec.Command(program, rt.args...)
	e.cmd.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT="+strconv.Itoa(port), "PYTHONDONTWRITEBYTECODE=1")
	e.cmd.Env = append(e.cmd.Env, env...)
	e.cmd.Stderr = e.out
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.cmd.Wait() // its exit code is in ProcessState
		close(e.ended)
	}()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = e.cmd.Process.Kill() // it has mostly ended
		<-e.ended
		if t.Failed() {
			said, _ := e.out.read()
			t.Logf("Echo said:\n%.4000s", said)
		}
	})
	return e
}

// start starts Echo and waits until it is ready.
func start(t *testing.T, rt runtime, env ...string) *echo {
	t.Helper()
	e := spawn(t, rt, env...)
	eventually(t, "Echo is ready", func() (bool, string) {
		select {
		case <-e.ended:
			t.Fatalf("Echo has ended: %v", e.cmd.ProcessState)
		default:
		}
		status, why := e.health(t)
		return status == http.StatusOK, why
	})
	return e
}

// health asks for the state; the status is 0 where there is no answer.
func (e *echo) health(t *testing.T) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	var state struct{ State, Message string }
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, state.State + " " + state.Message
}

// exit waits for the end of the program and returns its code.
func (e *echo) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-e.ended:
	case <-time.After(patience):
		t.Fatal("the program does not end")
	}
	return e.cmd.ProcessState.ExitCode()
}

// said waits until a line on stderr has all the parts, n times.
func (e *echo) said(t *testing.T, n int, parts ...string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := e.out.read()
		count := 0
		for line := range strings.Lines(text) {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(line, part)
			}
			if all {
				count++
			}
		}
		if count >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d lines with %q, want %d", count, parts, n)
		}
	}
}

// eventually waits for a fact.
func eventually(t *testing.T, what string, is func() (bool, string)) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		ok, why := is()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s: %s", what, why)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().(*net.TCPAddr).Port
}
