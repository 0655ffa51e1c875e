package catalog

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// deployer has versions run; it is the cluster as the catalog sees it.
type deployer interface {
	// Check reports why a version could never run here, before it is saved.
	Check(ctx context.Context, v service.Version) (warnings []string, err error)
	// Deploy makes the version's service known, with count 0. It may be called
	// again with the same version.
	Deploy(ctx context.Context, v service.Version) error
}

// builder makes the image of a module that comes with a Dockerfile.
type builder interface {
	// Build returns the image's name with its digest, and writes to log how far it is.
	Build(ctx context.Context, b service.Build, log io.Writer) (image string, err error)
	// Log writes to w what a build of these files said.
	Log(ctx context.Context, w io.Writer, b service.Build) error
}

// Options of a catalog.
type Options struct {
	Builder  builder              // nil: images are built elsewhere
	NoImages string               // why none are built here, and what to do; empty: the operator has it so
	Defaults Defaults             // zero: StandardDefaults
	Limits   Limits               // zero: StandardLimits
	Changed  func(service.Module) // called after each change of a module is stored; nil: nobody listens
}

// Catalog registers versions and moves tags. Its methods may be called at once.
type Catalog struct {
	db       *store.DB
	bundles  string // folder
	deployer deployer
	log      hclog.Logger
	opts     Options

	lent   lent // bundles of uploads, while images are built of them
	sweep  sync.Once
	owners sync.Mutex // held while owners are changed
	notify sync.Mutex // held from reading a module until Changed has heard of it, so that it hears of changes in their order
}

// New returns a catalog that keeps bundles in a folder, which is made when it is
// first needed. The error tells of defaults that no version could have.
func New(db *store.DB, bundles string, d deployer, log hclog.Logger, opts Options) (*Catalog, error) {
	if opts.Limits == (Limits{}) {
		opts.Limits = StandardLimits()
	}
	if opts.Defaults.Port == 0 {
		image := opts.Defaults.KBaseImage
		opts.Defaults = StandardDefaults()
		opts.Defaults.KBaseImage = image
	}
	if opts.Changed == nil {
		opts.Changed = func(service.Module) {}
	}
	trial := opts.Defaults.version()
	trial.Module, trial.Version, trial.Run.Command = "Trial", "1.0.0", "trial"
	method := opts.Defaults.method("trial")
	method.Mode = service.Both
	trial.Methods = []service.Method{method}
	if err := trial.Validate(); err != nil {
		return nil, fmt.Errorf("the operator's defaults: %w", err)
	}
	return &Catalog{db: db, bundles: bundles, deployer: d, log: log, opts: opts}, nil
}

// SetTag moves a tag of a module to the version that a reference means, see
// [service.Resolve]. By convention callers without a version get release, beta
// is for those who try what comes next, and dev is the newest registration.
func (c *Catalog) SetTag(ctx context.Context, module, tag, ref string, by service.Caller) (service.Version, error) {
	m, err := c.db.Module(ctx, module)
	if err != nil {
		return service.Version{}, err
	}
	if err := m.MayChange(by); err != nil {
		return service.Version{}, err
	}
	v, err := service.Resolve(m, ref)
	if err != nil {
		return service.Version{}, err
	}
	if err := c.db.SetTag(ctx, m.Name, tag, v.ID, by.Who()); err != nil {
		return service.Version{}, err
	}
	c.log.Info("tagged", "module", m.Name, "service", v.ID, "to", tag)
	if err := c.tell(ctx, m.Name); err != nil {
		return service.Version{}, err
	}
	return c.db.Version(ctx, v.ID)
}

// Split sends a share of a tag's calls to the version that a reference means, in
// place of the share that went elsewhere; to.Percent 0 ends it. The split's To is
// filled in.
func (c *Catalog) Split(ctx context.Context, module, tag, ref string, to service.Split, by service.Caller) (service.Module, error) {
	m, err := c.db.Module(ctx, module)
	if err != nil {
		return service.Module{}, err
	}
	if err := m.MayChange(by); err != nil {
		return service.Module{}, err
	}
	var set *service.Split
	if to.Percent != 0 {
		v, err := service.Resolve(m, ref)
		if err != nil {
			return service.Module{}, err
		}
		to.To, set = v.ID, &to
	}
	if err := c.db.SetSplit(ctx, m.Name, tag, set, by.Who()); err != nil {
		return service.Module{}, err
	}
	c.log.Info("split", "module", m.Name, "service", to.To, "tag", tag, "percent", to.Percent)
	if err := c.tell(ctx, m.Name); err != nil {
		return service.Module{}, err
	}
	return c.db.Module(ctx, m.Name)
}

// changedTimeout bounds reading back a change that is stored already.
const changedTimeout = 10 * time.Second

// tell reads a module back and has the listener know it. The change is stored,
// so a caller who has left does not stop this.
func (c *Catalog) tell(ctx context.Context, module string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changedTimeout)
	defer cancel()
	c.notify.Lock()
	defer c.notify.Unlock()
	m, err := c.db.Module(ctx, module)
	if err != nil {
		return fmt.Errorf("read back the change: %w", err)
	}
	c.opts.Changed(m)
	return nil
}

// Unpack writes a version's files to a folder, see [Unpack].
func (c *Catalog) Unpack(ctx context.Context, v service.Version, dir string) error {
	return Unpack(ctx, c.Bundle(v.Bundle), dir)
}
