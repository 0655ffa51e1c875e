package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// gateway sends an attempt to an instance and writes its answer to to.
type gateway interface {
	Call(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error)
	Admit(ctx context.Context, r service.JobRequest) (service.Admission, error)
}

// Options of a [Queue]. The zero value of each field is its default.
type Options struct {
	URL string // where instances reach the agent, for progress; empty: they are told none

	Running       int // attempts at once, in all; 0: 256
	ModuleRunning int // of one module; 0: 32
	CallerRunning int // of one caller; 0: 16
	ModuleQueued  int // jobs queued of one module; 0: 10 000
	CallerOpen    int // jobs of one caller that are not finished; 0: 1 000
	AddressOpen   int // the same of an address, or a /64 of IPv6, from which jobs without a caller come; 0: 100

	Attempts int           // how often a call is sent where that is safe; 0: 3
	Lease    time.Duration // how long a job stays an agent's that is not heard of; 0: 30 s

	Keep      time.Duration // how long finished jobs are kept; 0: 7 days
	KeepBytes int64         // bytes of results kept in all; 0: 10 GiB

	// CallbackNetworks may be called back although they are not public.
	CallbackNetworks []netip.Prefix
}

func (o *Options) fill() {
	for _, d := range []struct {
		of    *int
		value int
	}{
		{&o.Running, 256}, {&o.ModuleRunning, 32}, {&o.CallerRunning, 16},
		{&o.ModuleQueued, 10_000}, {&o.CallerOpen, 1_000}, {&o.AddressOpen, 100}, {&o.Attempts, 3},
	} {
		if *d.of == 0 {
			*d.of = d.value
		}
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Keep == 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.KeepBytes == 0 {
		o.KeepBytes = 10 << 30
	}
}

// Queue accepts call jobs, runs them and remembers what came of them.
type Queue struct {
	db    *store.DB
	gw    gateway
	log   hclog.Logger
	opts  Options
	agent string // this process among others
	files files
	seal  sealer

	work    chan struct{} // a job may be claimable
	called  chan struct{} // a callback may be due
	watches watches

	mu      sync.Mutex      // guards what follows
	running map[string]*run // by id
	paused  map[service.ID]time.Time
	closed  bool

	// claiming is held from before a claim until the attempts have begun, and
	// guards what follows.
	claiming sync.Mutex
	served   map[string]int // module -> the turn in which it was last
	turns    int

	// reached is called at each step between two of which a process can die.
	// Tests kill theirs there.
	reached func(point string)
}

// Open returns a queue over what the folder and the database hold, and takes
// over what the agent before left running. No other agent may use them: the
// caller holds the lock of the data folder.
func Open(ctx context.Context, db *store.DB, dir string, gw gateway, log hclog.Logger, opts Options) (*Queue, error) {
	opts.fill()
	if err := os.MkdirAll(filepath.Join(dir, "results"), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of results: %w", err)
	}
	key, err := openKey(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	q := &Queue{
		db: db, gw: gw, log: log, opts: opts, agent: strings.ToLower(rand.Text()), files: files{filepath.Join(dir, "results")}, seal: key,
		work: make(chan struct{}, 1), called: make(chan struct{}, 1), watches: watches{chans: map[string]*watch{}},
		running: map[string]*run{}, paused: map[service.ID]time.Time{}, served: map[string]int{},
		reached: func(string) {},
	}
	if err := q.sweepFiles(ctx); err != nil {
		return nil, err
	}
	return q, q.takeOver(ctx, farFuture)
}

// farFuture is after the end of every lease.
var farFuture = time.Unix(1<<40, 0)

// Run runs jobs until ctx ends. Then it cuts off the attempts that still run,
// gives back or ends their jobs, and returns nil.
func (q *Queue) Run(ctx context.Context) error {
	var all sync.WaitGroup
	attempts, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	var runs sync.WaitGroup
	all.Go(func() { q.dispatch(ctx, attempts, &runs) })
	all.Go(func() { q.callBack(ctx) })
	all.Go(func() { q.retain(ctx) })
	// Leases are renewed until the last attempt has ended.
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	all.Go(func() { q.beat(beating) })
	<-ctx.Done()
	q.Close()
	cut(errStopping)
	runs.Wait()
	stop()
	all.Wait()
	return nil
}

// Close begins no more attempts and ends the waits of [Queue.Wait]. Those that
// run go on.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.watches.close()
}

// cutError is why an attempt was cut off from outside. For the gateway it is as
// if a caller had left.
type cutError string

const (
	errStopping  cutError = "the agent was stopped"
	errCancelled cutError = "the job was cancelled"
	errLost      cutError = "another agent took the job over"
)

func (e cutError) Error() string        { return string(e) }
func (e cutError) Is(target error) bool { return target == context.Canceled }

// poke has a loop look again.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is going to
	}
}
