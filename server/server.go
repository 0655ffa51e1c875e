// Package server is the control API: what admins, module developers and catalogs
// ask of dynsvc over HTTP, and the page that shows the same to a browser. It
// stands beside the gateway and shares no path with it: calls to services never
// pass through here. It decides nothing about counts (package scheduler does) and
// knows no cluster (it is given one).
package server

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// cluster is what runs services: Nomad, or this machine.
type cluster interface {
	State(ctx context.Context, id service.ID) (service.State, error)
	States() (states []service.State, fresh bool)
	Logs(ctx context.Context, id service.ID, opts service.LogOptions, emit func(service.LogLine) error) error
	Explain(ctx context.Context, id service.ID) ([]string, error)
	Nodes(ctx context.Context) ([]service.Node, error)
}

// callers says who makes a request.
type callers interface {
	// Authenticate returns who sent an Authorization header; an empty one is
	// anonymous. A token that is not good is [service.ErrUnauthenticated].
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
}

// Parts are what the API speaks for.
type Parts struct {
	Store   *store.DB
	Catalog *catalog.Catalog
	Engine  *scheduler.Engine
	Cluster cluster
	Callers callers
	Tokens  *auth.Tokens
	Jobs    *jobs.Queue
	Loads   func() []service.Load
	// Peer says who sent a request, as far as those on its way are believed.
	Peer func(*http.Request) service.Peer
	// Registrar registers from git.
	Registrar *repos.Registrar
	// Leaving is closed when the agent was told to stop: it is not ready any more, and
	// streams end. nil: it never is.
	Leaving <-chan struct{}
	// Render returns the jobspec of a version; an error where there is none, as in
	// local mode.
	Render func(ctx context.Context, v service.Version) (service.Job, error)
	// Source returns what the cluster runs a service from: the digest of its
	// jobspec, and the text where the cluster still keeps it. An error where there
	// is none. nil: there is none, as in local mode.
	Source func(ctx context.Context, id service.ID) (service.Job, error)
	Feed   *Feed                                        // what happens; its owner tells it
	Backup func(ctx context.Context, w io.Writer) error // writes a backup of the data folder
}

// Options of the API.
type Options struct {
	Version string // of this program
	URL     string // where callers reach the gateway, e.g. http://127.0.0.1:8080
}

// api carries what the operations share.
type api struct {
	Parts
	opts   Options
	log    hclog.Logger
	huma   huma.API
	visits visits
}

// New returns the handler of the control API, the health paths and the page.
func New(parts Parts, log hclog.Logger, opts Options) (http.Handler, error) {
	router := mux.NewRouter().UseEncodedPath()
	config := huma.DefaultConfig("dynsvc", opts.Version)
	config.OpenAPIPath = "/api/v1/openapi"
	config.DocsPath = "" // the default page loads its viewer from elsewhere
	config.SchemasPath = "/api/v1/schemas"
	config.Info.Description = "Modules, versions, services and their decisions. Errors are RFC 9457 problems."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	// Answers stay as they are: no $schema field in what scripts read.
	config.CreateHooks = nil

	if parts.Source == nil {
		parts.Source = noSource
	}
	a := &api{Parts: parts, opts: opts, log: log}
	var err error
	if a.visits, err = newVisits(opts.URL, parts.Peer); err != nil {
		return nil, err
	}
	a.huma = humamux.New(router, config)
	a.huma.UseMiddleware(a.authorize)
	a.modules()
	a.uploads()
	a.registrations()
	a.export()
	a.backups()
	a.plans()
	a.events()
	a.owners()
	a.tokens()
	a.services()
	a.policies()
	a.stats()
	a.jobs()
	a.health(router)
	a.bundles(router)
	if err := a.pages(router); err != nil {
		return nil, err
	}
	router.NotFoundHandler = http.HandlerFunc(notFound)
	router.MethodNotAllowedHandler = http.HandlerFunc(methodNotAllowed)
	return tagging(router), nil
}

// operation declares one REST operation: its types give decoding, validation and
// the OpenAPI text; an error becomes a problem here and nowhere else.
func operation[In, Out any](a *api, op huma.Operation, handle func(context.Context, *In) (*Out, error)) {
	op.Security = []map[string][]string{{"token": {}}}
	if roleOf(&op) == service.Anonymous {
		op.Security = append(op.Security, map[string][]string{}) // a token is welcome, not needed
	}
	op.Extensions = map[string]any{"x-role": roleOf(&op)}
	huma.Register(a.huma, op, func(ctx context.Context, in *In) (*Out, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.problem(op.OperationID, err)
		}
		return out, nil
	})
}

// body is an answer with a JSON body.
type body[T any] struct{ Body T }

// readTimeout bounds how long a client may take to send a small body.
const readTimeout = 30 * time.Second
