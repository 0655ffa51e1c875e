package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/e2e/cluster"
	"github.com/dynsvc/dynsvc/service"
)

const (
	agentName = "dynsvc" // among the cluster's processes
	token     = "soak"
)

// The modules. The first has most of the calls and two versions, between which
// its tag moves. Its four instances fill a node, so that those of two versions
// need two. The other is called in surges and goes back to zero between them.
const (
	soaked = "Soak"
	surged = "SoakWaves"
)

const manifest = `module %q {
  version = %q
  run {
    command    = "./worker"
    port       = 5000
    env        = { LEDGER = %q }
    stop_grace = "30s"
  }
  resources {
    cpu    = %d
    memory = 64
    disk   = 50
  }
  scale {
    max             = 4
    concurrency     = 6
    max_concurrency = 40
    idle_after      = %q
  }
  method "once" {
    timeout = "60s"
  }
  method "again" {
    timeout    = "60s"
    idempotent = true
  }
  method "job" {
    mode        = "async"
    job_timeout = "5m"
  }
  method "jobagain" {
    mode        = "async"
    job_timeout = "5m"
    idempotent  = true
  }
}
`

// configure writes the agent's configuration. Its data are on a disk of their own.
func (s *soak) configure() error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	s.url = "http://" + addr
	jobs := "  mesh = \"plain\"\n"
	if s.mesh {
		jobs = fmt.Sprintf("  mesh = \"connect\"\n  sidecar = \"consul\"\n  consul_address = %q\n", s.servers.BridgeAddr)
	}
	text := fmt.Sprintf("listen = %q\ndata_dir = %q\ntoken = %q\nlog_level = \"debug\"\nnomad {\n  address = %q\n}\nconsul {\n  address = %q\n}\n"+
		"policy {\n  tick = \"1s\"\n}\ntelemetry {\n  access_log = %q\n}\ncall_jobs {\n  address_open = 1000\n}\njobs {\n  drivers = [\"raw_exec\"]\n%s}\n",
		addr, s.disk.dir, token, s.servers.NomadAddr, s.servers.ConsulAddr, s.accessLog(), jobs)
	return os.WriteFile(s.config(), []byte(text), 0o600)
}

func (s *soak) config() string    { return filepath.Join(s.servers.Dir, "dynsvc.hcl") }
func (s *soak) accessLog() string { return filepath.Join(s.servers.Dir, "logs", "access.log") }

// ready waits until the agent says that it is.
func (s *soak) ready(ctx context.Context) error {
	return cluster.WaitFor(ctx, "the agent to be ready", time.Minute, func(ctx context.Context) (err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if res.StatusCode/100 != 2 {
			err = errors.New(res.Status)
		}
		return errors.Join(err, res.Body.Close())
	})
}

// cli runs a command of dynsvc and reads what it prints.
func (s *soak) cli(ctx context.Context, out any, args ...string) error {
	cmd := exec.CommandContext(ctx, s.dynsvc, append(args, "-addr", s.url, "-token", token, "-json")...)
	text, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("dynsvc %s: %s", strings.Join(args, " "), exit.Stderr)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// register registers a version of a module.
func (s *soak) register(ctx context.Context, module, version, tag string, cpu int, idle string) (service.ID, error) {
	dir, err := os.MkdirTemp(s.servers.Dir, "module")
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(manifest, module, version, s.ledgerURL, cpu, idle)
	if err := os.WriteFile(filepath.Join(dir, "module.hcl"), []byte(text), 0o644); err != nil {
		return "", err
	}
	program, err := os.ReadFile(s.worker)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "worker"), program, 0o755); err != nil {
		return "", err
	}
	var got struct{ Version service.Version }
	err = s.cli(ctx, &got, "register", dir, "-tag", tag)
	return got.Version.ID, err
}

// modules registers all that is called.
func (s *soak) modules(ctx context.Context) (err error) {
	if s.versions[0], err = s.register(ctx, soaked, "1.0.0", "release", 1700, "25s"); err != nil {
		return err
	}
	if s.versions[1], err = s.register(ctx, soaked, "2.0.0", "dev", 1700, "25s"); err != nil {
		return err
	}
	s.versions[2], err = s.register(ctx, surged, "1.0.0", "release", 100, "3s")
	return err
}

// move moves the tag that is called to the other version of the module.
func (s *soak) move(ctx context.Context) error {
	s.released = 1 - s.released
	return s.cli(ctx, nil, "tag", soaked+"@"+string(s.versions[s.released]), "release")
}

// meant is the version that the tag means.
func (s *soak) meant() string { return []string{"1.0.0", "2.0.0"}[s.released] }
