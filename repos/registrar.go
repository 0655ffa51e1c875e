package repos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// registry takes a module's files; the catalog is one.
type registry interface {
	Register(ctx context.Context, u catalog.Upload) (service.Version, []catalog.Notice, error)
}

// Options of a [Registrar]. The zero value of each field is its default.
type Options struct {
	Dir     string        // for clones and logs
	Limits  Limits        // of a clone
	Workers int           // pulls at once; 0: 2
	Waiting int           // pulls that may wait; 0: 100
	Time    time.Duration // for all of a pull, an image build included; 0: 1 h
	Hooks   Hooks
}

// Registrar registers modules from git, one pull at a time for each worker.
type Registrar struct {
	db    *store.DB
	to    registry
	log   hclog.Logger
	opts  Options
	queue chan task

	mu       sync.Mutex // guards what follows
	journals map[int64]*record
	running  map[int64]context.CancelCauseFunc
}

// record is the log of a pull that has not ended.
type record struct {
	*journal.Journal
	finished bool // somebody ends the registration; Registrar.mu guards it, and step
	step     Step
}

// Step is what a registration does at the moment.
type Step string

// The steps, in their order.
const (
	Cloning  Step = "cloning"
	Checking Step = "checking"
	Building Step = "building" // its image
)

// Step tells what a registration does at the moment; "": it has not begun, or ended.
func (r *Registrar) Step(id int64) Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j := r.journals[id]; j != nil {
		return j.step
	}
	return ""
}

func (r *Registrar) goOn(t *task, to Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.journal.step = to
}

type task struct {
	pull    store.Pull
	by      service.Caller
	journal *record
}

// New returns a registrar. It does nothing before Open.
func New(db *store.DB, to registry, log hclog.Logger, opts Options) *Registrar {
	opts.Limits = opts.Limits.withDefaults()
	if opts.Workers == 0 {
		opts.Workers = 2
	}
	if opts.Waiting == 0 {
		opts.Waiting = 100
	}
	if opts.Time == 0 {
		opts.Time = time.Hour
	}
	return &Registrar{db: db, to: to, log: log, opts: opts, queue: make(chan task, opts.Waiting), journals: map[int64]*record{}, running: map[int64]context.CancelCauseFunc{}}
}

// stopped is why a registration failed that an agent's end interrupted. An image that
// was being built for it goes on being built, and is found by the next one.
const stopped = "the agent was stopped meanwhile: register it again"

// Open makes the folder ready and ends the pulls that an earlier agent left.
func (r *Registrar) Open(ctx context.Context) error {
	if err := os.MkdirAll(r.opts.Dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for clones: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(r.opts.Dir, "clone-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a clone that was left: %w", err)
		}
	}
	n, err := r.db.EndPulls(ctx, stopped)
	if n > 0 {
		r.log.Warn("ended registrations that were left", "count", n)
	}
	return err
}

// Begin asks for a registration and returns it at once; a worker carries it out.
func (r *Registrar) Begin(ctx context.Context, s Source, tag string, by service.Caller) (store.Pull, error) {
	if tag == "" {
		tag = service.Dev
	}
	if err := errors.Join(s.check(r.opts.Limits.Schemes, r.opts.Limits.Hosts), service.ValidateTag(tag)); err != nil {
		return store.Pull{}, err
	}
	if by.Role < service.Developer {
		return store.Pull{}, service.Errorf(service.ErrDenied, "only developers and admins register modules")
	}
	p := store.Pull{URL: s.URL, Ref: s.Ref, Tag: tag, Who: by.Name, State: store.PullQueued, Asked: time.Now()}
	id, err := r.db.AddPull(ctx, p)
	if err != nil {
		return store.Pull{}, err
	}
	p.ID = id
	log, err := journal.Create(r.logOf(id))
	if err != nil {
		return p, err
	}
	j := &record{Journal: log}
	r.mu.Lock()
	r.journals[id] = j
	r.mu.Unlock()
	t := task{pull: p, by: by, journal: j}
	select {
	case r.queue <- t:
		return p, nil
	default:
		err := service.Errorf(service.ErrUnavailable, "%d registrations wait already: try again in a few minutes", r.opts.Waiting)
		r.finish(ctx, &t, err)
		return store.Pull{}, err
	}
}

// Run carries out what is asked for until ctx ends.
func (r *Registrar) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range r.opts.Workers {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case t := <-r.queue:
					r.carryOut(ctx, &t)
				}
			}
		})
	}
	workers.Wait()
	return nil
}

func (r *Registrar) carryOut(ctx context.Context, t *task) {
	work, cancel := context.WithTimeout(ctx, r.opts.Time)
	defer cancel()
	work, stop := context.WithCancelCause(work)
	defer stop(nil)
	if now, err := r.db.Pull(work, t.pull.ID); err == nil && !now.Ended.IsZero() {
		return // somebody ended it while it waited
	}
	r.mu.Lock()
	r.running[t.pull.ID] = stop
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.running, t.pull.ID)
		r.mu.Unlock()
	}()
	t.pull.State = store.PullRunning
	if err := r.db.SetPull(work, t.pull); err != nil {
		r.log.Error("could not store a registration", "registration", t.pull.ID, "error", err)
	}
	err := r.register(work, t)
	if err != nil && ctx.Err() != nil {
		err = service.Errorf(service.ErrUnavailable, stopped)
	}
	r.finish(ctx, t, err)
}

// register clones, and registers what it finds.
func (r *Registrar) register(ctx context.Context, t *task) error {
	limited, cancel := context.WithTimeout(ctx, r.opts.Limits.Time)
	defer cancel()
	r.goOn(t, Cloning)
	c, err := clone(limited, r.opts.Dir, Source{URL: t.pull.URL, Ref: t.pull.Ref}, r.opts.Limits, t.journal)
	if err != nil {
		return err
	}
	defer func() {
		if err := os.RemoveAll(c.dir); err != nil {
			r.log.Warn("could not remove a clone", "addr", c.dir, "error", err)
		}
	}()
	t.pull.Commit = c.commit
	subs, err := c.submodules(limited, r.opts.Limits)
	if err != nil {
		return err
	}
	for _, path := range subs {
		fmt.Fprintf(t.journal, "%s is a submodule and is left out\n", path)
	}
	message, err := c.message(limited, r.opts.Limits)
	if err != nil {
		return err
	}
	r.goOn(t, Checking)
	tar, files := io.Pipe()
	archived := make(chan error, 1)
	go func() {
		err := c.archive(ctx, files)
		archived <- err
		files.CloseWithError(err)
	}()
	v, notices, err := r.to.Register(ctx, catalog.Upload{Archive: tar, Tag: t.pull.Tag, Commit: c.commit, Repository: t.pull.URL,
		CommitMessage: message, Registration: t.pull.Name(), By: t.by,
		Log: t.journal, Building: func() { r.goOn(t, Building) }})
	tar.CloseWithError(err) // whatever was not read is of no interest
	if failed := <-archived; err == nil && failed != nil {
		err = failed
	}
	for _, n := range notices {
		fmt.Fprintln(t.journal, n)
	}
	if err != nil {
		return err
	}
	t.pull.Module, t.pull.Service = v.Module, v.ID
	fmt.Fprintf(t.journal, "registered %s %s as %s, tag %s\n", v.Module, v.Version, v.ID, t.pull.Tag)
	return nil
}

// Log writes what a registration said to w, and with follow what it goes on to say
// until it ends or ctx does.
func (r *Registrar) Log(ctx context.Context, w io.Writer, id int64, follow bool) error {
	r.mu.Lock()
	j := r.journals[id]
	r.mu.Unlock()
	if follow && j != nil {
		return j.Follow(ctx, w)
	}
	return journal.Copy(ctx, w, r.logOf(id))
}

func (r *Registrar) logOf(id int64) string {
	return filepath.Join(r.opts.Dir, fmt.Sprintf("%d%s", id, journal.Suffix))
}
