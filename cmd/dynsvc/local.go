package main

import (
	"context"
	"errors"
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
	log      hclog.Logger
	addr     string // to listen on
	data     string // folder
	place    string // where modules run; empty: in a copy of what was registered
	noDocker string // why images are neither built nor run, and what to do; empty: they are, if there is a Docker daemon
}

// localAgent is the whole agent with child processes and containers in the place of Nomad.
type localAgent struct {
	*stack
	listener net.Listener
	inside   net.Listener // for containers, which do not reach the other one; nil: they do, or there are none
	dev      devFile
}

// openLocal opens such an agent. Nothing runs before run.
func openLocal(ctx context.Context, s localSetup) (*localAgent, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return nil, usagef("listen on %s: %w; -addr 127.0.0.1:0 takes a free port", s.addr, err)
	}
	agent := &localAgent{listener: l, dev: devFile{Addr: l.Addr().String(), URL: "http://" + l.Addr().String(), Token: devToken(s.data), PID: os.Getpid()}}
	if err := agent.open(ctx, s); err != nil {
		return nil, errors.Join(err, agent.closeListeners())
	}
	return agent, nil
}

func (a *localAgent) open(ctx context.Context, s localSetup) error {
	images := &localImaging{data: s.data, why: s.noDocker}
	if err := images.find(ctx); err != nil {
		return err
	}
	if images.docker != nil {
		_, port, err := net.SplitHostPort(a.dev.Addr)
		if err != nil {
			return err
		}
		l, ok, err := images.docker.Listen(ctx, port)
		if err != nil {
			s.log.Warn("containers will not reach this agent", "error", err)
		}
		if ok {
			a.inside = l
		}
	}
	runtime, err := local.Open(local.Options{Dir: s.data, Docker: images.docker, Why: images.missing, Built: builtHere, URL: a.dev.URL}, s.log.Named("local"))
	if err != nil {
		return err
	}
	a.stack, err = openStack(ctx, setup{log: s.log, dataDir: s.data, url: a.dev.URL, publicURL: a.dev.URL, token: a.dev.Token,
		gateway:  gateway.Options{OpenCalls: true}, // nobody has set up who could be asked
		defaults: catalog.StandardDefaults(), git: repos.Options{Limits: repos.Limits{Schemes: []string{"https", "http", "file"}}}, engine: scheduler.Options{Volatile: true, Replace: runtime.Replace}, cluster: runtime,
		builds: images.builder(s.log.Named("builds")), noBuild: images.why,
		kbase: a.dev.kbase(s.data), auth: a.dev.kbaseAuth(), jobs: jobs.Options{CallbackNetworks: loopback, AddressOpen: 1000},
		deployer: func(cat *catalog.Catalog) deployer {
			if images.builds != nil {
				images.builds.bundle = cat.Bundle
			}
			return &localDeployer{runtime: runtime, catalog: cat, images: images, dir: filepath.Join(s.data, "modules"), place: s.place}
		}})
	return err
}

// closeListeners closes what nothing is served on yet.
func (a *localAgent) closeListeners() error {
	err := a.listener.Close()
	if a.inside != nil {
		err = errors.Join(err, a.inside.Close())
	}
	return err
}

// listen is where the agent answers: its address, and the one that containers use.
func (a *localAgent) listen() net.Listener {
	if a.inside == nil {
		return a.listener
	}
	return newListeners(a.listener, a.inside)
}

// logger is what -log-level asks for.
func logger(level string, out io.Writer) (hclog.Logger, error) {
	l := hclog.LevelFromString(level)
	if l == hclog.NoLevel {
		return nil, usagef("-log-level %q is none of trace, debug, info, warn, error", level)
	}
	return hclog.New(&hclog.LoggerOptions{Name: "dynsvc", Level: l, Output: out}), nil
}
