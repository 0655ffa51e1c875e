package kbase

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Prefix begins the paths of KBase's services here.
const Prefix = "/services/"

// gateway is where calls come in.
type gateway interface {
	Await(ctx context.Context, id service.ID) error // until an instance takes calls
	Load(id service.ID) service.Load
}

// engine changes counts.
type engine interface {
	Start(ctx context.Context, id service.ID, by string) error
	Stop(ctx context.Context, id service.ID, by string) error
	Scale(ctx context.Context, id service.ID, n int, by string) error
}

// cluster is what runs services.
type cluster interface {
	State(ctx context.Context, id service.ID) (service.State, error)
	States() (states []service.State, fresh bool)
	Logs(ctx context.Context, id service.ID, opts service.LogOptions, emit func(service.LogLine) error) error
}

// Parts are what the facade speaks for.
type Parts struct {
	Store   *store.DB
	Catalog *catalog.Catalog
	Gateway gateway
	Engine  engine
	Cluster cluster
	Users   users
	Vault   vault
	// Deploy submits a version again after an admin changed what it is given.
	Deploy func(ctx context.Context, v service.Version) error
	Builds Builds // nil: repositories are not registered here
	// Auth answers under Prefix/auth in the place of KBase's auth service; nil:
	// nobody does.
	Auth http.Handler
}

// Options of the facade. The zero value of each field is its default.
type Options struct {
	URL       string        // where callers reach the gateway, without a slash at its end
	DynServ   string        // what the URLs of services begin with; empty: URL/dynserv
	Version   string        // of this program
	StartWait time.Duration // how long a lookup waits for an instance, below what impatient clients take; 0: 8 s

	Environment Environment
	// Inline has parameters in the environment that Prepare gives: there is no Nomad
	// to fill them in.
	Inline bool
	// Volumes are the folders of nodes that an admin may mount, by their path: the
	// name of the Nomad host volume that each is.
	Volumes map[string]Volume
	// Groups are node classes by the client group that stands for them; a group
	// that is not here is the class of its name.
	Groups map[string][]string
	// Core are services that run elsewhere and can be looked up, by module key.
	Core map[string]Core
	// Origins are those of other hosts whose pages may send a token in a cookie, as
	// in the header Origin. Pages of this host always may.
	Origins []string
}

// Core is a service that is not in the catalog, and where it answers.
type Core struct {
	Name string
	URL  string
}

const defaultStartWait = 8 * time.Second

// Facade is the [http.Handler] of everything under [Prefix].
type Facade struct {
	Parts
	log     hclog.Logger
	opts    Options
	tickets tickets
	apis    map[string]http.Handler
	pages   *http.CrossOriginProtection

	vaulted sync.Mutex  // guards what is in the vault against two changes at once
	changed chan string // modules whose tags moved: parameters may be bound to them
}

// New returns a facade. It does nothing before it is asked, but for what Run does.
func New(parts Parts, log hclog.Logger, opts Options) *Facade {
	opts.DynServ = cmp.Or(strings.TrimSuffix(opts.DynServ, "/"), opts.URL+"/dynserv")
	opts.StartWait = cmp.Or(opts.StartWait, defaultStartWait)
	f := &Facade{Parts: parts, log: log, opts: opts, pages: http.NewCrossOriginProtection(), tickets: newTickets(), changed: make(chan string, 1024)}
	if at, err := url.Parse(opts.URL); err == nil && at.Host != "" {
		opts.Origins = append(slices.Clone(opts.Origins), at.Scheme+"://"+at.Host) // a proxy may ask for another host than its visitors do
	}
	for _, origin := range opts.Origins {
		if err := f.pages.AddTrustedOrigin(origin); err != nil {
			log.Error("does not take session cookies from a page", "error", err)
		}
	}
	wizard, catalog := f.wizard(), f.catalog()
	f.apis = map[string]http.Handler{
		"service_wizard": wizard, "service_wizard/rpc": wizard,
		"catalog": catalog, "catalog/rpc": catalog,
	}
	return f
}

// ServeHTTP routes without redirects: clients make a GET of a redirected POST.
func (f *Facade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	if f.Auth != nil && (path == "auth" || strings.HasPrefix(path, "auth/")) {
		f.Auth.ServeHTTP(w, r)
		return
	}
	if api, ok := f.apis[path]; ok && r.Method != http.MethodGet {
		api.ServeHTTP(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(path, socketPath); ok {
		f.socket(w, r, rest)
		return
	}
	f.plain(w, r, path)
}

// Run keeps parameters that are bound to tags in step with the tags, until ctx ends.
func (f *Facade) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case module := <-f.changed:
			if err := f.deal(ctx, module); err != nil && ctx.Err() == nil {
				f.log.Warn("could not renew the parameters of a module", "module", module, "error", err)
			}
		}
	}
}

// Published hears of each change of a module.
func (f *Facade) Published(m service.Module) {
	select {
	case f.changed <- m.Name:
	default: // they are dealt out at each deployment, too
	}
}
