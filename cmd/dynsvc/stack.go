package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/backup"
	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/consul"
	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// cluster is what runs services: Nomad, or this machine.
type cluster interface {
	Scale(ctx context.Context, s service.Scaling) (uint64, error)
	State(ctx context.Context, id service.ID) (service.State, error)
	States() ([]service.State, bool)
	Run(ctx context.Context, changed func(service.State)) error
	Logs(ctx context.Context, id service.ID, opts service.LogOptions, emit func(service.LogLine) error) error
	Explain(ctx context.Context, id service.ID) ([]string, error)
	Nodes(ctx context.Context) ([]service.Node, error)
}

// deployer makes a version ready on a cluster.
type deployer interface {
	Check(ctx context.Context, v service.Version) (warnings []string, err error)
	Deploy(ctx context.Context, v service.Version) error
	Render(ctx context.Context, v service.Version) (service.Job, error)
	Source(ctx context.Context, id service.ID) (service.Job, error)
}

// setup is what differs between the modes.
type setup struct {
	log       hclog.Logger
	dataDir   string
	url       string // where instances reach the agent
	publicURL string // where callers do
	token     string
	defaults  catalog.Defaults
	gateway   gateway.Options
	front     front
	engine    scheduler.Options
	jobs      jobs.Options
	keep      store.Retention   // zero: keepUsage
	keepLogs  journal.Retention // zero: keepLogs

	auth         auth.Options // all but the tokens, which come from token and the database
	tokenOptions auth.TokenOptions

	telemetry telemetryConfig
	stdout    io.Writer // for an access log that goes there

	git     repos.Options
	builds  *builds.Builder // nil: images are built elsewhere
	noBuild string          // why, and what to do; empty: the operator has it so
	cluster cluster
	kbase   *kbaseSetup    // nil: KBase's clients are not served
	consul  *consul.Client // nil: no Consul
	dialer  *consul.Dialer // nil: no mesh
	// deployer is made last, for it may need the catalog's files.
	deployer func(*catalog.Catalog) deployer
}

// stack is the whole agent, wired.
type stack struct {
	setup
	db      *store.DB
	catalog *catalog.Catalog
	gateway *gateway.Gateway
	engine  *scheduler.Engine
	jobs    *jobs.Queue
	deploy  deployer
	checks  *checked
	facade  *kbase.Facade // nil: none
	tokens  *auth.Tokens
	shown   telemetry
	git     *repos.Registrar
	feed    *server.Feed
	handler http.Handler
	leaving chan struct{} // closed: told to stop; balancers are to look elsewhere, streams end
}

// lateWaker lets the gateway be made before the engine that needs it.
type lateWaker struct{ engine *scheduler.Engine }

func (w *lateWaker) Wake(ctx context.Context, id service.ID) error { return w.engine.Wake(ctx, id) }

// openStack opens the database, wires the parts and tells them what is
// registered. Nothing runs before run.
func openStack(ctx context.Context, s setup) (_ *stack, err error) {
	st := &stack{setup: s, feed: server.NewFeed(), leaving: make(chan struct{})}
	if st.db, err = store.Open(ctx, filepath.Join(s.dataDir, backup.Database), s.log.Named("store")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = st.db.Close() // the first error is the one to tell
		}
	}()
	st.checks = &checked{cluster: s.cluster}
	waker := &lateWaker{}
	if st.tokens, err = auth.OpenTokens(ctx, st.db, s.log.Named("auth"), s.tokenOptions); err != nil {
		return nil, err
	}
	s.auth.AdminToken, s.auth.Tokens = s.token, st.tokens
	who := auth.New(s.log.Named("auth"), s.auth)
	if err := st.openTelemetry(ctx, &s); err != nil {
		return nil, err
	}
	s.gateway.Callers = who
	s.gateway.Record = st.record
	checker := &interfaces{load: func(ctx context.Context, v service.Version) (*kidl.Model, error) { return st.catalog.Interface(ctx, v) }}
	s.gateway.Misfits = checker.misfits
	s.gateway.Jobs = lateJobs{st}
	s.gateway.Phased = st.feed.Phased
	s.gateway.Queued = func(service.ID) { st.engine.Poke() }
	if s.dialer != nil {
		s.gateway.DialMesh, s.gateway.MeshChanged = s.dialer.DialContext, s.dialer.Generation
	}
	st.gateway = gateway.New(s.log.Named("gateway"), waker, s.gateway)
	s.engine.Ensure = func(ctx context.Context, id service.ID) error {
		v, err := st.db.Version(ctx, id)
		if err != nil {
			return err
		}
		return st.deploy.Deploy(ctx, v)
	}
	st.engine = scheduler.New(st.db, st.checks, st.gateway, s.log.Named("scheduler"), s.engine)
	waker.engine = st.engine
	registry := catalog.Options{Defaults: s.defaults, Changed: st.changed, NoImages: s.noBuild}
	if s.builds != nil {
		if err := s.builds.Open(ctx); err != nil {
			return nil, err
		}
		registry.Builder = s.builds
	}
	st.catalog, err = catalog.New(st.db, filepath.Join(s.dataDir, "bundles"), lateDeployer{st}, s.log.Named("catalog"), registry)
	if err != nil {
		return nil, err
	}
	st.deploy = s.deployer(st.catalog)
	s.git.Dir = filepath.Join(s.dataDir, "registrations")
	st.git = repos.New(st.db, st.catalog, s.log.Named("git"), s.git)
	if err := st.git.Open(ctx); err != nil {
		return nil, err
	}
	st.openKBase(who)
	s.jobs.URL = s.url
	if st.jobs, err = jobs.Open(ctx, st.db, filepath.Join(s.dataDir, "jobs"), st.gateway, s.log.Named("jobs"), s.jobs); err != nil {
		return nil, err
	}
	api, err := server.New(server.Parts{Store: st.db, Leaving: st.leaving, Catalog: st.catalog, Engine: st.engine, Cluster: st.checks, Callers: who, Tokens: st.tokens, Jobs: st.jobs, Registrar: st.git, Peer: st.gateway.Peer,
		Loads: st.gateway.Loads, Render: st.deploy.Render, Source: st.deploy.Source,
		Feed:   st.feed,
		Backup: func(ctx context.Context, w io.Writer) error { return backup.Write(ctx, st.db, s.dataDir, w) }}, s.log.Named("server"),
		server.Options{Version: version, URL: s.publicURL})
	if err != nil {
		return nil, err
	}
	st.handler = route(st.gateway, st.facade, st.shown.handler(who), api)
	if err := st.db.AllModules(ctx, func(m service.Module) error { st.feed.Remember(m); st.publish(m); return nil }); err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	if err := st.resumeMoves(ctx); err != nil {
		return nil, err
	}
	return st, st.engine.Open(ctx)
}

// lateJobs lets the gateway be made before the queue that needs it.
type lateJobs struct{ st *stack }

func (l lateJobs) Accept(ctx context.Context, r service.JobRequest, a service.Admission) (string, error) {
	return l.st.jobs.Accept(ctx, r, a)
}
func (l lateJobs) Look(ctx context.Context, id string, c service.Caller) (service.CallJob, io.ReadCloser, error) {
	return l.st.jobs.Look(ctx, id, c)
}

// lateDeployer lets the catalog be made before the deployer that needs it.
type lateDeployer struct{ st *stack }

func (d lateDeployer) Check(ctx context.Context, v service.Version) ([]string, error) {
	return d.st.deploy.Check(ctx, v)
}
func (d lateDeployer) Deploy(ctx context.Context, v service.Version) error {
	return d.st.deploy.Deploy(ctx, v)
}

// changed hears of each change of a module.
func (st *stack) changed(m service.Module) {
	st.publish(m)
	st.feed.Changed(m)
	if st.facade != nil {
		st.facade.Published(m)
	}
}

// publish tells everyone who routes or scales that a module changed.
func (st *stack) publish(m service.Module) {
	st.engine.Publish(m)
	st.gateway.Publish(m)
}

// record stores usage. What cannot be stored is lost and said, never waited for.
func (st *stack) record(samples []service.Sample) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := st.db.AddSamples(ctx, samples); err != nil {
		st.log.Warn("lost usage samples", "samples", len(samples), "error", err)
	}
}

const storeTimeout = 5 * time.Second
