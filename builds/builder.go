package builds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/service"
)

// Run is a build on the cluster, or on this machine.
type Run struct {
	ID    string
	Image string // name of what it makes, with its tag
	Stays bool   // it is not pushed but stays with the daemon that builds it, by this name
}

// cluster runs builds.
type cluster interface {
	// Begin begins a build; where there is one of the same files, ended or not,
	// that is the one.
	Begin(ctx context.Context, b service.Build) (Run, error)
	// Follow emits what the tasks of a run say until it ends. A run that did not
	// end well is a [service.BatchError].
	Follow(ctx context.Context, id string, emit func(task string, text []byte) error, waits func(reason string)) error
	// End stops and forgets a run.
	End(ctx context.Context, id string) error
}

// Options of a [Builder]. The zero value of each field is its default.
type Options struct {
	Dir         string        // for logs
	Concurrency int           // builds at once; 0: 2
	Waiting     int           // builds that may wait; 0: 50
	Time        time.Duration // for all of a build, the wait for a node included; 0: 1 h
}

// Builder has images built.
type Builder struct {
	on    cluster
	log   hclog.Logger
	opts  Options
	queue chan *build

	mu     sync.Mutex // guards what follows, and the waiters of each build
	builds map[string]*build
}

// build is one that was asked for and has not ended.
type build struct {
	of        service.Build
	journal   *journal.Journal
	waiters   int
	left      bool          // no waiter is left
	abandoned chan struct{} // closed with left
	done      chan struct{} // closed when image and err are set
	image     string
	err       error
}

// New returns a builder. It builds nothing before Run.
func New(on cluster, log hclog.Logger, opts Options) *Builder {
	opts.Concurrency, opts.Waiting, opts.Time = cmp.Or(opts.Concurrency, 2), cmp.Or(opts.Waiting, 50), cmp.Or(opts.Time, time.Hour)
	return &Builder{on: on, log: log, opts: opts, queue: make(chan *build, opts.Waiting), builds: map[string]*build{}}
}

// Open makes the folder for logs ready.
func (b *Builder) Open(context.Context) error {
	if err := os.MkdirAll(b.opts.Dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for the logs of builds: %w", err)
	}
	return nil
}

// Run carries builds out until ctx ends. Those that go on then are left to go on: who
// asks for the same files later finds them.
func (b *Builder) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range b.opts.Concurrency {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case w := <-b.queue:
					b.carryOut(ctx, w)
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// Build has an image built and returns its name with its digest. What the build says
// goes to log. A caller who leaves takes the build along if nobody else waits for it.
func (b *Builder) Build(ctx context.Context, of service.Build, log io.Writer) (image string, err error) {
	w, err := b.join(ctx, of)
	if err != nil {
		return "", err
	}
	// A log that nobody can read any more is no reason to stop.
	_ = w.journal.Follow(ctx, log)
	select {
	case <-w.done:
		return w.image, w.err
	case <-ctx.Done():
		b.leave(w)
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return "", service.Errorf(service.ErrUnavailable, "there was no time left to wait for the image to be built: register it again")
		}
		return "", context.Cause(ctx)
	}
}

// join finds or begins the build of these files.
func (b *Builder) join(ctx context.Context, of service.Build) (*build, error) {
	for {
		w, err := b.find(of)
		if err != nil || !w.left {
			return w, err
		}
		select { // it is being ended
		case <-w.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (b *Builder) find(of service.Build) (*build, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.builds[key(of)]
	if w != nil {
		if !w.left {
			w.waiters++
		}
		return w, nil
	}
	j, err := journal.Create(b.logOf(of))
	if err != nil {
		return nil, err
	}
	w = &build{of: of, journal: j, waiters: 1, abandoned: make(chan struct{}), done: make(chan struct{})}
	if before := len(b.builds); before >= b.opts.Concurrency {
		fmt.Fprintf(j, "%d builds are before this one, %d go on at a time\n", before, b.opts.Concurrency)
	}
	select {
	case b.queue <- w:
		b.builds[key(of)] = w
		return w, nil
	default:
		err := service.Errorf(service.ErrUnavailable, "%d builds wait already: try again in a few minutes", b.opts.Waiting)
		return nil, errors.Join(err, j.Close())
	}
}

// leave counts a waiter out.
func (b *Builder) leave(w *build) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.waiters--; w.waiters == 0 && !w.left {
		w.left = true
		close(w.abandoned)
	}
}

// errAbandoned ends a build for which nobody waits.
var errAbandoned = errors.New("nobody waits for the build any more")

// carryOut builds, and tells all who wait.
func (b *Builder) carryOut(ctx context.Context, w *build) {
	began := time.Now()
	work, cancel := context.WithTimeout(ctx, b.opts.Time)
	defer cancel()
	work, stop := context.WithCancelCause(work)
	defer stop(nil)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-w.abandoned:
			stop(errAbandoned)
		case <-work.Done():
		}
	}()
	image, err := b.make(work, ctx, w)
	stop(nil)
	<-watching
	if err != nil {
		fmt.Fprintf(w.journal, "not built: %v\n", err)
	} else {
		fmt.Fprintf(w.journal, "built %s\n", image)
	}
	b.log.Info("ended a build", "module", w.of.Module, "version", w.of.Version, "image", image, "took", time.Since(began).String(), "error", err)
	b.mu.Lock()
	delete(b.builds, key(w.of))
	w.image, w.err = image, err
	b.mu.Unlock()
	if err := w.journal.Close(); err != nil {
		b.log.Error("could not write the log of a build", "module", w.of.Module, "error", err)
	}
	close(w.done)
}

// endTimeout bounds the removal of a run.
const endTimeout = 30 * time.Second

// make has the cluster build. The agent's own end, which agent tells, leaves the run be.
func (b *Builder) make(ctx, agent context.Context, w *build) (image string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	run, err := b.on.Begin(ctx, w.of)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(w.journal, "building %s\n", run.Image)
	heard := transcript{}
	err = b.on.Follow(ctx, run.ID, func(task string, text []byte) error {
		if task == taskPush && heard.task != taskPush {
			fmt.Fprintf(w.journal, "pushing %s\n", run.Image)
		}
		heard.add(task, text)
		_, err := w.journal.Write(text)
		return err
	}, func(reason string) { fmt.Fprintf(w.journal, "waiting: %s\n", reason) })
	if agent.Err() != nil && err != nil {
		return "", service.Errorf(service.ErrUnavailable, "the agent was stopped while the image was built: register it again, and the build is found again")
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := b.on.End(ending, run.ID); err != nil {
		b.log.Warn("could not remove a build", "job", run.ID, "error", err)
	}
	if err != nil {
		return "", heard.explain(err, b.opts.Time)
	}
	if run.Stays {
		return run.Image, nil
	}
	if heard.digest == "" {
		return "", service.Errorf(service.ErrUnavailable, "the image was built, but its push told no digest; what it said last:%s", heard.lastLines())
	}
	return untagged(run.Image) + "@" + heard.digest, nil
}

// Log writes the log of the last build of these files to w, as far as it is.
func (b *Builder) Log(ctx context.Context, w io.Writer, of service.Build) error {
	return journal.Copy(ctx, w, b.logOf(of))
}

// key is what two builds have in common that are one.
func key(of service.Build) string {
	return service.ModuleKey(of.Module) + "-" + of.Source + "-" + of.Dockerfile
}

var notName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func (b *Builder) logOf(of service.Build) string {
	return filepath.Join(b.opts.Dir, logName(key(of)))
}

func logName(key string) string { return notName.ReplaceAllString(key, "_") + journal.Suffix }
