//go:build e2e

package nomad

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// These tests pin what errors.go matches to what a real Nomad of the pinned
// version says, and how it behaves. They need NOMAD_ADDR, and a node with the
// driver raw_exec.

const (
	patience = 30 * time.Second
	answers  = "import http.server as h,os;h.HTTPServer(('',int(os.environ['NOMAD_PORT_http'])),h.SimpleHTTPRequestHandler).serve_forever()"
)

// real opens the adapter, runs its watch and keeps the newest state of each
// service.
type real struct {
	*Cluster
	t      *testing.T
	mu     sync.Mutex
	states map[service.ID]service.State
	news   chan struct{}
}

func openReal(t *testing.T) *real {
	t.Helper()
	addr := os.Getenv("NOMAD_ADDR")
	if addr == "" {
		t.Fatal("NOMAD_ADDR is not set: these tests need a real Nomad")
	}
	level := hclog.LevelFromString(cmp.Or(os.Getenv("DYNSVC_TEST_LOG"), "error"))
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Open(ctx, Options{Address: addr}, hclog.New(&hclog.LoggerOptions{Level: level}))
	if err != nil {
		t.Fatal(err)
	}
	r := &real{Cluster: c, t: t, states: make(map[service.ID]service.State), news: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		done <- c.Run(ctx, func(s service.State) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.states[s.ID] = s
			close(r.news)
			r.news = make(chan struct{})
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// until waits for a state of the service that fits.
func (r *real) until(what string, id service.ID, fits func(service.State) bool) service.State {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		s, news := r.states[id], r.news
		r.mu.Unlock()
		if fits(s) {
			return s
		}
		select {
		case <-news:
		case <-late:
			lines, _ := r.Explain(r.t.Context(), id)
			r.t.Fatalf("%s: no %s within %s; last state %+v (failure %+v)\n%s", id, what, patience, s, s.Failure, strings.Join(lines, "\n"))
		}
	}
}

const meshed = `network {
      mode = "bridge"
    }
    service {
      name = %q
      port = "5000"
      connect {
        sidecar_service {
          disable_default_tcp_check = true
        }
        sidecar_task {
          driver = "raw_exec"
          config {
            command = "consul"
            args    = ["connect", "proxy", "-service", %q, "-service-addr", "127.0.0.1:5000", "-listen", "0.0.0.0:${NOMAD_PORT_connect_proxy_%s}"]
          }
          env {
            CONSUL_HTTP_ADDR = "${meta.consul_http_addr}"
          }
        }
      }
    }`

type spec struct {
	name    string
	command string
	args    []string
	driver  string // empty: raw_exec
	config  string // of the driver; empty: command and args
	inTask  string
	mesh    bool
	memory  int
	extra   string // in the job
	update  int    // max_parallel
}

// ensure registers a job of one raw_exec task.
func (r *real) ensure(s spec) service.ID {
	r.t.Helper()
	id := service.ID(fmt.Sprintf("dyn-%s-%08x", s.name, uint32(time.Now().UnixNano())))
	job := s.job(id)
	if err := r.Ensure(r.t.Context(), job); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := r.Remove(context.WithoutCancel(r.t.Context()), id); err != nil {
			r.t.Error(err)
		}
	})
	return id
}

func (s spec) job(id service.ID) service.Job {
	args := make([]string, len(s.args))
	for i, a := range s.args {
		args[i] = fmt.Sprintf("%q", a)
	}
	config := s.config
	if config == "" {
		config = fmt.Sprintf("command = %q\nargs = [%s]", cmp.Or(s.command, "/usr/bin/env"), strings.Join(args, ", "))
	}
	network := "network {\n port \"http\" {}\n}"
	if s.mesh {
		network = fmt.Sprintf(meshed, id, id, strings.ReplaceAll(string(id), "-", "_"))
	}
	hcl := fmt.Sprintf(`
job %q {
  datacenters = ["*"]
  update {
    max_parallel = %d
  }
  %s
  group "app" {
    count = 3
    scaling {
      min = 0
      max = 3
    }
    restart {
      attempts = 1
      delay    = "1s"
      interval = "10m"
      mode     = "fail"
    }
    reschedule {
      attempts  = 1
      interval  = "10m"
      delay     = "5s"
      delay_function = "constant"
      unlimited = false
    }
    %s
    task "app" {
      driver = %q
      kill_timeout = "1s"
      config {
        %s
      }
      %s
      resources {
        cpu    = 50
        memory = %d
      }
    }
  }
}
`, id, s.update, s.extra, network, cmp.Or(s.driver, "raw_exec"), config, s.inTask, cmp.Or(s.memory, 32))
	return service.Job{Version: service.Version{ID: id}, HCL: hcl, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(hcl)))}
}

func (r *real) scale(id service.ID, to int) uint64 {
	r.t.Helper()
	rev, err := r.Scale(r.t.Context(), service.Scaling{ID: id, To: to, Reason: "a test asked", Decision: 7})
	if err != nil {
		r.t.Fatal(err)
	}
	return rev
}

func TestRealStartAndStop(t *testing.T) {
	r := openReal(t)
	id := r.ensure(spec{name: "ok", args: []string{"python3", "-c", answers}})
	s := r.until("registration", id, func(s service.State) bool { return s.Registered })
	if s.Count != 0 {
		t.Errorf("a new service has count %d, want 0", s.Count)
	}
	began := time.Now()
	rev := r.scale(id, 1)
	answered := time.Since(began)
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	s = r.until("endpoint", id, func(s service.State) bool { return len(s.Endpoints) == 1 })
	known := time.Since(began)
	if s.Endpoints[0].Transport != service.Plain || s.Endpoints[0].Index != 0 || s.Revision != rev {
		t.Errorf("state = %+v, want revision %d", s, rev)
	}
	for {
		conn, err := net.Dial("tcp", s.Endpoints[0].Addr)
		if err == nil {
			_ = conn.Close() // it was only to see that somebody listens
			break
		}
		if time.Since(began) > patience {
			t.Fatal(err)
		}
		<-poll.C // a foreign program gives no other sign
	}
	listens := time.Since(began)
	r.until("running", id, func(s service.State) bool { return len(s.Endpoints) == 1 && s.Endpoints[0].Running })
	t.Logf("scale answered %s, endpoint known %s, listens %s, running known %s", answered, known, listens, time.Since(began))

	fresh, err := r.State(t.Context(), id)
	if err != nil || fresh.Count != 1 || fresh.Revision != rev || len(fresh.Endpoints) != 1 {
		t.Errorf("State = %+v, %v", fresh, err)
	}
	if _, isFresh := r.States(); !isFresh {
		t.Error("States is not fresh")
	}

	began = time.Now()
	if _, err := r.Scale(t.Context(), service.Scaling{ID: id, To: 0, Revision: rev, Reason: "idle"}); err != nil {
		t.Fatal(err)
	}
	r.until("zero", id, func(s service.State) bool { return s.Count == 0 && len(s.Endpoints) == 0 })
	t.Logf("endpoint gone %s", time.Since(began))
	lines, err := r.Explain(t.Context(), id)
	if err != nil || !strings.Contains(strings.Join(lines, "\n"), "idle, count 0") {
		t.Errorf("Explain = %q, %v", lines, err)
	}
}

func TestRealErrors(t *testing.T) {
	r := openReal(t)
	id := r.ensure(spec{name: "errors", args: []string{"python3", "-c", answers}})
	deploys := r.ensure(spec{name: "deploys", args: []string{"python3", "-c", answers}, update: 1})
	r.scale(deploys, 1)
	// The deployment begins with the placement and lasts 10 s at least.
	r.until("placement", deploys, func(s service.State) bool { return len(s.Endpoints) > 0 })
	tests := []struct {
		name string
		in   service.Scaling
		want error
		text string
	}{
		{"conflict", service.Scaling{ID: id, To: 1, Revision: 1}, service.ErrConflict, "Enforcing job modify index"},
		{"above max", service.Scaling{ID: id, To: 9}, service.ErrInvalid, "greater than scaling policy maximum: 9 > 3"},
		{"negative", service.Scaling{ID: id, To: -1}, service.ErrInvalid, "can't be negative"},
		{"gone", service.Scaling{ID: "dyn-none-00000000", To: 1}, service.ErrNotFound, "not found"},
		{"deploying", service.Scaling{ID: deploys, To: 2}, service.ErrDeploying, textDeploying},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Scale(t.Context(), tt.in)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error = %v, want one of %v with %q", err, tt.want, tt.text)
			}
			t.Log(err)
		})
	}
	_, err := r.Parse(t.Context(), `job "x" { nonsense }`)
	if !errors.Is(err, service.ErrInvalid) {
		t.Errorf("Parse of nonsense = %v", err)
	}
	bad := spec{name: "bad"}.job("dyn-bad-00000000")
	bad.HCL = strings.Replace(bad.HCL, "cpu    = 50", "cpu = 0", 1)
	if err := r.Ensure(t.Context(), bad); !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "minimum CPU value is 1") {
		t.Errorf("Ensure of a bad job = %v", err)
	}
	if _, err := r.Validate(t.Context(), bad.HCL); !errors.Is(err, service.ErrInvalid) {
		t.Errorf("Validate of a bad job = %v", err)
	}
}

func TestRealFailures(t *testing.T) {
	r := openReal(t)
	tests := []struct {
		in    spec
		cause service.Cause
		text  string
		log   string
	}{
		{spec{name: "exit", args: []string{"sh", "-c", "echo hello; echo broken >&2; exit 3"}}, service.Exited, "the program exited with code 3 after ", "broken"},
		{spec{name: "none", command: "/no/such/program"}, service.Exited, "could not be found", ""},
		{spec{name: "big", memory: 9_000_000, args: []string{"true"}}, service.NoCapacity, "memory exhausted on ", ""},
		{spec{name: "class", args: []string{"true"}, extra: "constraint {\n attribute = \"${node.class}\"\n value = \"warp\"\n}"}, service.NoCapacity, `without ${node.class} = warp`, ""},
		{spec{name: "image", driver: "docker", config: fmt.Sprintf("image = %q", registry(t)+"/none:1")}, service.BadImage, "the image cannot be had: Failed to pull", ""},
		{spec{name: "registry", driver: "docker", config: `image = "127.0.0.1:1/none:1"`}, service.BadImage, "the image cannot be had: Failed to pull", ""},
		{spec{name: "artifact", args: []string{"true"}, inTask: "artifact {\n source = \"http://" + registry(t) + "/none.tar.gz\"\n}"}, service.BadImage, "the artifact cannot be had: ", ""},
		{spec{name: "secret", args: []string{"true"}, inTask: "template {\n data = \"{{ with nomadVar \\\"nomad/jobs/none\\\" }}{{ .a }}{{ end }}\"\n destination = \"secrets/x\"\n}"}, service.Rejected, "waits for a value: Missing: nomad.var.block", ""},
	}
	for _, tt := range tests {
		t.Run(tt.in.name, func(t *testing.T) {
			t.Parallel()
			id := r.ensure(tt.in)
			began := time.Now()
			r.scale(id, 1)
			s := r.until("failure", id, func(s service.State) bool { return s.Failure != nil })
			first := time.Since(began)
			if tt.in.name == "secret" { // nothing is final about it: the secret may come
				if s.Failure.Cause != tt.cause || !strings.Contains(s.Failure.Text, tt.text) {
					t.Errorf("failure = %+v, want %s with %q", s.Failure, tt.cause, tt.text)
				}
				r.scale(id, 0)
				return
			}
			s = r.until("final failure", id, func(s service.State) bool { return s.Failure != nil && s.Failure.Final })
			t.Logf("first after %s, final after %s: %s %q", first, time.Since(began), s.Failure.Text, s.Failure.Log)
			if s.Failure.Cause != tt.cause || !strings.Contains(s.Failure.Text, tt.text) {
				t.Errorf("failure = %+v, want %s with %q", s.Failure, tt.cause, tt.text)
			}
			if tt.log != "" && !strings.Contains(strings.Join(s.Failure.Log, "\n"), tt.log) {
				t.Errorf("log = %q, want %q in it", s.Failure.Log, tt.log)
			}
			r.scale(id, 0)
			r.until("no failure", id, func(s service.State) bool { return s.Count == 0 && s.Failure == nil })
		})
	}
}

// registry is the address of a container registry, which the harness keeps on the
// server's host.
func registry(t *testing.T) string {
	u, err := url.Parse(os.Getenv("NOMAD_ADDR"))
	if err != nil {
		t.Fatal(err)
	}
	return cmp.Or(os.Getenv("REGISTRY"), net.JoinHostPort(u.Hostname(), "5000"))
}

func TestRealMesh(t *testing.T) {
	r := openReal(t)
	id := r.ensure(spec{name: "mesh", mesh: true, args: []string{"python3", "-m", "http.server", "5000", "--bind", "127.0.0.1"}})
	began := time.Now()
	r.scale(id, 1)
	s := r.until("endpoint", id, func(s service.State) bool { return len(s.Endpoints) == 1 })
	known := time.Since(began)
	if s.Endpoints[0].Transport != service.Mesh {
		t.Errorf("endpoint = %+v", s.Endpoints[0])
	}
	r.until("running", id, func(s service.State) bool { return len(s.Endpoints) == 1 && s.Endpoints[0].Running })
	t.Logf("endpoint known %s, running %s: %+v", known, time.Since(began), s.Endpoints[0])

	broken := r.ensure(spec{name: "meshexit", mesh: true, args: []string{"sh", "-c", "exit 4"}})
	r.scale(broken, 1)
	s = r.until("final failure", broken, func(s service.State) bool { return s.Failure != nil && s.Failure.Final })
	t.Logf("%+v", s.Failure)
	if s.Failure.Cause != service.Exited || !strings.HasPrefix(s.Failure.Text, "the program exited with code 4") {
		t.Errorf("failure = %+v", s.Failure)
	}
}

func TestRealEnsure(t *testing.T) {
	r := openReal(t)
	sp := spec{name: "again", args: []string{"sleep", "600"}}
	id := r.ensure(sp)
	rev := r.scale(id, 2)
	job := sp.job(id)
	if err := r.Ensure(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	s := r.until("two instances", id, func(s service.State) bool { return len(s.Endpoints) == 2 })
	if s.Revision != rev {
		t.Errorf("an unchanged job was registered again: revision %d, want %d", s.Revision, rev)
	}
	sp.extra = "priority = 40"
	if err := r.Ensure(t.Context(), sp.job(id)); err != nil {
		t.Fatal(err)
	}
	s = r.until("new revision", id, func(s service.State) bool { return s.Revision > rev })
	if s.Count != 2 {
		t.Errorf("count = %d after another text was registered, want 2", s.Count)
	}
	want := sp.job(id)
	if got, err := r.Source(t.Context(), id); err != nil || got.Digest != want.Digest || got.HCL != want.HCL {
		t.Errorf("Source = %+v, %v, want %+v", got, err, want)
	}
	for i := range 2 * versionsKept { // each a version without a text
		r.scale(id, 1+i%2)
	}
	if got, err := r.Source(t.Context(), id); err != nil || got.Digest != want.Digest {
		t.Errorf("Source after many scalings = %+v, %v, want the digest %s", got, err, want.Digest)
	}
	if _, _, err := r.calls.Jobs().Deregister(string(id), false, nil); err != nil {
		t.Fatal(err)
	}
	r.until("stop", id, func(s service.State) bool { return !s.Registered && len(s.Endpoints) == 0 })
	if _, err := r.Scale(t.Context(), service.Scaling{ID: id, To: 1}); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Scale of a stopped job = %v", err)
	}
	if _, err := r.Source(t.Context(), id); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Source of a stopped job = %v", err)
	}
	if err := r.Ensure(t.Context(), sp.job(id)); err != nil {
		t.Fatal(err)
	}
	s = r.until("registration", id, func(s service.State) bool { return s.Registered })
	if s.Count != 0 {
		t.Errorf("count = %d after a stopped job was registered again, want 0", s.Count)
	}
}

func TestRealLogs(t *testing.T) {
	r := openReal(t)
	id := r.ensure(spec{name: "logs", args: []string{"sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; while :; do sleep 0.2; echo tick; done"}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.scale(id, 1)
	r.until("running", id, func(s service.State) bool { return len(s.Endpoints) == 1 && s.Endpoints[0].Running })
	enough := errors.New("enough")
	var got []string
	allocs := make(map[string]bool)
	err := r.Logs(ctx, id, service.LogOptions{Follow: true, Tail: 2}, func(l service.LogLine) error {
		got = append(got, l.Text)
		allocs[l.Alloc] = true
		if len(got) == 4 {
			r.scale(id, 2)
		}
		if len(allocs) == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("Logs = %v, got %q", err, got)
	}
	t.Logf("%q", got)
	got = nil
	if err := r.Logs(ctx, id, service.LogOptions{Tail: 3}, func(l service.LogLine) error {
		got = append(got, l.Text)
		return nil
	}); err != nil || len(got) != 6 {
		t.Errorf("Logs with tail 3 of two instances = %q, %v", got, err)
	}
}

func TestRealNodes(t *testing.T) {
	r := openReal(t)
	nodes, err := r.Nodes(t.Context())
	if err != nil || len(nodes) == 0 {
		t.Fatalf("Nodes = %v, %v", nodes, err)
	}
	for _, n := range nodes {
		t.Logf("%+v", n)
		if n.CPU <= 0 || n.Memory <= 0 || n.Disk <= 0 || n.Pool == "" || n.Datacenter == "" || !n.Ready {
			t.Errorf("node = %+v", n)
		}
	}
}
