package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/scheduler"
)

// localSetup is what an agent on this machine needs to be told.
type localSetup struct {
	log   hclog.Logger
	addr  string // to listen on
	data  string // folder
	place string // where modules run; empty: in a copy of what was registered
}

// localAgent is the whole agent with child processes in the place of Nomad.
type localAgent struct {
	*stack
	listener net.Listener
	dev      devFile
}

// openLocal opens such an agent. Nothing runs before run.
func openLocal(ctx context.Context, s localSetup) (*localAgent, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return nil, usagef("listen on %s: %w; -addr 127.0.0.1:0 takes a free port", s.addr, err)
	}
	dev := devFile{Addr: l.Addr().String(), URL: "http://" + l.Addr().String(), Token: devToken(s.data), PID: os.Getpid()}
	runtime, err := local.Open(local.Options{Dir: s.data}, s.log.Named("local"))
	if err != nil {
		return nil, err
	}
	st, err := openStack(ctx, setup{log: s.log, dataDir: s.data, url: dev.URL, publicURL: dev.URL, token: dev.Token,
		gateway:  gateway.Options{OpenCalls: true}, // nobody has set up who could be asked
		defaults: catalog.StandardDefaults(), git: repos.Options{Limits: repos.Limits{Schemes: []string{"https", "http", "file"}}}, engine: scheduler.Options{Volatile: true, Replace: runtime.Replace}, cluster: runtime,
		kbase: dev.kbase(s.data), auth: dev.kbaseAuth(), jobs: jobs.Options{CallbackNetworks: loopback, AddressOpen: 1000},
		deployer: func(cat *catalog.Catalog) deployer {
			return &localDeployer{runtime: runtime, catalog: cat, dir: filepath.Join(s.data, "modules"), place: s.place}
		}})
	if err != nil {
		return nil, err
	}
	return &localAgent{stack: st, listener: l, dev: dev}, nil
}

// logger is what -log-level asks for.
func logger(level string, out io.Writer) (hclog.Logger, error) {
	l := hclog.LevelFromString(level)
	if l == hclog.NoLevel {
		return nil, usagef("-log-level %q is none of trace, debug, info, warn, error", level)
	}
	return hclog.New(&hclog.LoggerOptions{Name: "dynsvc", Level: l, Output: out}), nil
}
