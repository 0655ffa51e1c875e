//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

const adminToken = "e2e-admin-token"

// agent is the real program on the real servers, with data of its own.
type agent struct {
	t    *testing.T
	dir  string // data, configuration and log
	addr string // host:port
	url  string

	certificate string       // of an agent that speaks TLS, which its callers trust; empty: it does not
	client      *http.Client // that calls it

	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	err  error         // how it ended; read after done
}

// meshed is what an agent runs jobs with by default: Connect with Consul's own
// proxy, and every driver.
func meshed() string {
	return fmt.Sprintf(`jobs {
  mesh           = "connect"
  sidecar        = "consul"
  consul_address = %q
  drivers        = ["docker", "exec", "raw_exec"]
}`, servers.BridgeAddr)
}

// plain has programs run on the node itself, outside of the mesh.
const plain = `jobs {
  mesh    = "plain"
  drivers = ["raw_exec", "docker"]
}`

// newAgent starts an agent whose configuration has the given jobs block, and
// stops it at the end of the test.
func newAgent(t *testing.T, jobs string) *agent {
	t.Helper()
	a := unstarted(t)
	a.open(jobs)
	return a
}

// unstarted is an agent that has a folder and an address.
func unstarted(t *testing.T) *agent {
	t.Helper()
	addr := freeAddr(t)
	return &agent{t: t, dir: t.TempDir(), addr: addr, url: "http://" + addr, client: http.DefaultClient}
}

// open configures and starts the agent, and stops it at the end of the test.
func (a *agent) open(jobs string) {
	t := a.t
	t.Helper()
	a.configure(jobs)
	t.Cleanup(func() {
		if a.running() {
			a.signal(syscall.SIGTERM)
			if err := a.wait(40 * time.Second); err != nil {
				t.Errorf("the agent, told to stop, ended with %v", err)
			}
		}
		if t.Failed() {
			t.Logf("end of the agent's log:\n%s", a.tail())
		}
	})
	a.start()
}

// configure writes the configuration; it counts from the next start on.
func (a *agent) configure(jobs string) {
	a.t.Helper()
	if !strings.Contains(jobs, "policy {") {
		jobs = "policy { tick = \"1s\" }\n" + jobs
	}
	text := fmt.Sprintf(`listen    = %q
data_dir  = %q
token     = %q
log_level = "debug"
nomad { address = %q }
consul { address = %q }
%s
`, a.addr, filepath.Join(a.dir, "data"), adminToken, servers.NomadAddr, servers.ConsulAddr, jobs)
	if err := os.WriteFile(a.config(), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) config() string { return filepath.Join(a.dir, "dynsvc.hcl") }

// start runs the program until it is ready, which is what /readyz says.
func (a *agent) start() {
	a.t.Helper()
	out, err := os.OpenFile(filepath.Join(a.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		a.t.Fatal(err)
	}
	a.cmd = exec.Command(dynsvc, "agent", "-config", a.config())
	a.cmd.Env = append(os.Environ(), servers.Env())
	a.cmd.Stdout, a.cmd.Stderr = out, out
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	cmd, done := a.cmd, make(chan struct{})
	a.done = done
	go func() {
		a.err = errors.Join(cmd.Wait(), out.Close())
		close(done)
	}()
	waitFor(a.t, "the agent to be ready", 30*time.Second, func(ctx context.Context) error {
		if !a.running() {
			return fmt.Errorf("it has ended: %w\n%s", a.err, a.log())
		}
		return answersTo(ctx, a.client, a.url+"/readyz")
	})
}

// tail is the end of the log: enough to see what happened last, and little enough
// to leave in sight what the test said before it.
func (a *agent) tail() string {
	lines := strings.Split(strings.TrimSpace(a.log()), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func (a *agent) running() bool {
	select {
	case <-a.done:
		return false
	default:
		return true
	}
}

func (a *agent) signal(sig syscall.Signal) {
	a.t.Helper()
	if err := a.cmd.Process.Signal(sig); err != nil {
		a.t.Errorf("signal the agent: %v", err)
	}
}

// wait returns how the program ended.
func (a *agent) wait(limit time.Duration) error {
	a.t.Helper()
	select {
	case <-a.done:
		return a.err
	case <-time.After(limit):
		a.t.Errorf("the agent did not end within %s", limit)
		a.signal(syscall.SIGKILL)
		<-a.done
		return a.err
	}
}

// kill ends the program without warning.
func (a *agent) kill() {
	a.t.Helper()
	a.signal(syscall.SIGKILL)
	<-a.done
}

// log is the end of what the program has written.
func (a *agent) log() string {
	const tail = 64 << 10
	text, err := os.ReadFile(filepath.Join(a.dir, "log"))
	if err != nil {
		return err.Error()
	}
	if len(text) > tail {
		text = append([]byte("…"), text[len(text)-tail:]...)
	}
	return string(text)
}

// cli runs a command as a person does and returns what it printed.
func (a *agent) cli(args ...string) (stdout, stderr string, code int) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), dynsvc, args...)
	cmd.Env = append(os.Environ(), "DYNSVC_ADDR="+a.url, "DYNSVC_TOKEN="+adminToken)
	if a.certificate != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+a.certificate)
	}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), talk.String(), exit.ExitCode()
	}
	if err != nil {
		a.t.Fatalf("dynsvc %v: %v", args, err)
	}
	return out.String(), talk.String(), 0
}

// do is cli for a command that has to succeed.
func (a *agent) do(args ...string) string {
	a.t.Helper()
	stdout, stderr, code := a.cli(args...)
	if code != 0 {
		a.t.Fatalf("dynsvc %v: exit code %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// register registers a module's folder. Its job is removed at the end of the test.
func (a *agent) register(m module, flags ...string) service.Version {
	a.t.Helper()
	return a.registerDir(m.write(a.t), flags...)
}

// registerDir is register for a folder that is there.
func (a *agent) registerDir(dir string, flags ...string) service.Version {
	a.t.Helper()
	var got server.Registered
	out := a.do(append([]string{"register", dir, "-json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		a.t.Fatalf("dynsvc register: %v: %s", err, out)
	}
	a.t.Cleanup(func() { purge(a.t, got.Version.ID) })
	return got.Version
}

// status is what `dynsvc status` knows of a version.
func (a *agent) status(v service.Version) server.Detail {
	a.t.Helper()
	var d server.Detail
	out := a.do("status", v.Module+"@"+string(v.ID), "-json")
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		a.t.Fatalf("dynsvc status: %v: %s", err, out)
	}
	return d
}

// answer is what the gateway gave for a call.
type answer struct {
	status int
	proto  string // of HTTP, between the caller and the agent
	header http.Header
	body   []byte
	took   time.Duration // to the first byte of the body's end
}

// get calls a path of a version.
func (a *agent) get(ctx context.Context, v service.Version, path string) (answer, error) {
	return a.send(ctx, v, http.MethodGet, path, nil)
}

// post makes a typed call: a JSON-RPC 1.1 request at the root.
func (a *agent) post(ctx context.Context, v service.Version, method string, params ...any) (answer, error) {
	if params == nil {
		params = []any{}
	}
	text, err := json.Marshal(map[string]any{"version": "1.1", "id": "e2e", "method": v.Module + "." + method, "params": params})
	if err != nil {
		return answer{}, err
	}
	return a.send(ctx, v, http.MethodPost, "", text)
}

func (a *agent) send(ctx context.Context, v service.Version, method, path string, text []byte) (answer, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, method, a.url+"/svc/"+v.Module+"@"+string(v.ID)+path, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Proto, res.Header, body, time.Since(began)}, errors.Join(err, res.Body.Close())
}

// good is an error unless the call was answered with 200.
func (r answer) good(err error) error {
	if err == nil && r.status != http.StatusOK {
		err = fmt.Errorf("status %d: %.1000s", r.status, r.body)
	}
	return err
}

// said is what the echo program answers a typed call with.
type said struct {
	Params []json.RawMessage
	Facts  struct {
		Version string
		Alloc   string
		Calls   int64
	}
}

// said makes a typed call to the echo program.
func (a *agent) said(ctx context.Context, v service.Version, params ...any) (said, answer, error) {
	r, err := a.post(ctx, v, "echo", params...)
	if err := r.good(err); err != nil {
		return said{}, r, err
	}
	var reply struct {
		Result []json.RawMessage `json:"result"`
	}
	var s said
	if err := json.Unmarshal(r.body, &reply); err != nil {
		return s, r, fmt.Errorf("%w: %s", err, r.body)
	}
	if len(reply.Result) != 2 {
		return s, r, fmt.Errorf("not an answer of echo: %s", r.body)
	}
	return s, r, errors.Join(json.Unmarshal(reply.Result[0], &s.Params), json.Unmarshal(reply.Result[1], &s.Facts))
}

// calls makes one typed call that has to be answered.
func (a *agent) calls(v service.Version) (said, answer) {
	a.t.Helper()
	s, r, err := a.said(a.t.Context(), v)
	if err != nil {
		a.t.Fatalf("call %s: %v", v.Module, err)
	}
	return s, r
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was accepted
	return l.Addr().String()
}

// inOneLine shortens a log or page for an error.
func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
