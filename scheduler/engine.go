package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/robfig/cron/v3"
	"golang.org/x/time/rate"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// cluster is where services run.
type cluster interface {
	Scale(ctx context.Context, s service.Scaling) (revision uint64, err error)
	State(ctx context.Context, id service.ID) (service.State, error)
	States() (states []service.State, fresh bool)
}

// gate is where calls come in.
type gate interface {
	Loads() []service.Load                                        // of the services that are not idle
	Drain(ctx context.Context, id service.ID, keep int) (ok bool) // no calls to all but keep instances; false: calls are there, or ctx ended
	Open(id service.ID)                                           // takes a Drain back
	SetStopped(id service.ID, stopped bool)
}

// Options of an Engine. The zero value of each field stands for its default.
type Options struct {
	Tick       time.Duration // between two looks at everything; whole seconds, default 2 s
	Rules      Rules         // default DefaultRules
	Limits     Limits        // of owners and of the cluster; default none
	HoldFor    time.Duration // how long someone else's count stays, default 10 min
	ScaleRate  float64       // changes of counts that ticks may begin in a second, default 20
	ColdStarts int           // wakes that may be with the cluster at once, default 16
	// StopGrace and StartDeadline are for versions that do not say, default 30 s
	// to finish calls and 2 min to begin to answer.
	StopGrace     time.Duration
	StartDeadline time.Duration
	// ScaleTimeout bounds one request to the cluster, default 10 s.
	ScaleTimeout time.Duration
	// DeployWait is how long a change waits for a deployment to end before it is
	// decided anew, default 30 s.
	DeployWait time.Duration
	// Volatile says that counts end with this program, as those of child processes
	// do: what an earlier run decided or held is not looked for in the cluster.
	Volatile bool
	// Decided hears of each decision once its outcome is known. It must not block.
	// Default: nobody listens.
	Decided func(service.Decision)
	// Ensure makes the job of a published version exist. Default: none, and a
	// service without a job cannot be woken.
	Ensure func(ctx context.Context, id service.ID) error
	// Leads is nil while this engine is the one of several that decides. Otherwise it
	// says why not, and all counts are held: calls wake services all the same, as
	// two who start the first instance of one start it once. Default: it always does.
	Leads func() error
	// Replace stops an instance so that the cluster starts another in its place.
	// Default: none, and instances that are ill are left to the cluster.
	Replace func(ctx context.Context, id service.ID, alloc string) error
	// Measure returns what an instance uses. Default: none, and the counts of
	// services that have a target for the processor stay until they are idle.
	Measure func(ctx context.Context, alloc string) (service.Use, error)
}

func (o Options) withDefaults() Options {
	o.Tick = orDefault(o.Tick, 2*time.Second)
	o.Rules = orDefault(o.Rules, DefaultRules())
	o.HoldFor = orDefault(o.HoldFor, 10*time.Minute)
	o.StopGrace = orDefault(o.StopGrace, 30*time.Second)
	o.StartDeadline = orDefault(o.StartDeadline, 2*time.Minute)
	o.ScaleRate = orDefault(o.ScaleRate, 20)
	o.ColdStarts = orDefault(o.ColdStarts, 16)
	o.ScaleTimeout = orDefault(o.ScaleTimeout, 10*time.Second)
	o.DeployWait = orDefault(o.DeployWait, 30*time.Second)
	return o
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Engine feeds Decide and makes its decisions true.
type Engine struct {
	db      *store.DB
	cluster cluster
	gate    gate
	log     hclog.Logger
	opts    Options

	pace   *rate.Limiter // of the changes that ticks begin
	starts chan struct{} // a token for each wake that is with the cluster
	poke   chan struct{}
	work   sync.WaitGroup // changes under way

	// The tick's own.
	usage usage
	well  map[string]bool      // allocations whose check has passed once
	sick  map[string]time.Time // allocation -> since when it is critical
	blind string               // why the last tick could not decide; empty: it could
	round uint64
	edge  time.Time // when the next window opens or closes, or a policy ends; zero: not within the hour

	mu       sync.Mutex // guards what follows, and the tracked but for their turns
	habits   habits
	services map[service.ID]*tracked
	modules  map[string][]service.ID // published, by module key
	policies policies
	seen     Snapshot // the newest one that was decided on
	held     string   // why nothing is decided now, as blind
	settled  bool     // Run has ended: nothing may be added to work
}

// New returns an Engine. It does nothing before Open.
func New(db *store.DB, c cluster, g gate, log hclog.Logger, opts Options) *Engine {
	opts = opts.withDefaults()
	return &Engine{
		db: db, cluster: c, gate: g, log: log, opts: opts,
		// Two ticks' worth may go at once, so that a tick is never cut short
		// because the one before it came late.
		pace:     rate.NewLimiter(rate.Limit(opts.ScaleRate), max(1, int(opts.ScaleRate*2*opts.Tick.Seconds()))),
		starts:   make(chan struct{}, opts.ColdStarts),
		poke:     make(chan struct{}, 1),
		habits:   habits{model: forecast.New()},
		services: map[service.ID]*tracked{},
		modules:  map[string][]service.ID{},
	}
}

// Open reads what people and the engine decided before: which services are
// stopped, which counts are held, and the last decision of each. It must return
// before Run and Wake are called. What is registered is to be published before
// Run too, or counts that were changed meanwhile are taken as they are.
func (e *Engine) Open(ctx context.Context) error {
	last, err := e.db.LastDecisions(ctx)
	if err != nil {
		return fmt.Errorf("read the last decisions: %w", err)
	}
	stopped, err := e.db.Stopped(ctx)
	if err != nil {
		return fmt.Errorf("read which services are stopped: %w", err)
	}
	holds, err := e.db.Holds(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("read which counts are held: %w", err)
	}
	replaced, err := e.db.DecisionsSince(ctx, service.KindReplace, time.Now().Add(-time.Hour))
	if err != nil {
		return fmt.Errorf("read which instances were replaced: %w", err)
	}
	said, err := e.db.PoliciesInForce(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("read the policies in force: %w", err)
	}
	if e.opts.Volatile {
		clear(last)
		clear(holds)
	}
	e.mu.Lock()
	for id, d := range last {
		e.track(id).last = d
	}
	for id := range stopped {
		e.track(id).stopped = true
	}
	for id, h := range holds {
		e.track(id).heldUntil = h.Until
	}
	for _, d := range replaced {
		t := e.track(d.Service)
		t.replaced = append(t.replaced, d.At)
	}
	e.policies.list = said
	e.fitAll(time.Now())
	e.mu.Unlock()
	for id := range stopped {
		e.gate.SetStopped(id, true)
	}
	return nil
}

// Publish tells the engine of a module's versions, all of them, in place of
// those that it was told of before.
func (e *Engine) Publish(m service.Module) {
	key, now := service.ModuleKey(m.Name), time.Now()
	var faults []error
	e.mu.Lock()
	e.withdraw(key)
	ids := make([]service.ID, 0, len(m.Versions))
	for i := range m.Versions {
		v := &m.Versions[i]
		t := e.track(v.ID)
		t.module, t.manifest = key, v.Scale
		t.grace = orDefault(v.Run.StopGrace.Duration, e.opts.StopGrace)
		t.owner, t.instance = "", SizeOf(v.Resources)
		if len(v.Owners) > 0 {
			t.owner = v.Owners[0]
		}
		t.deadline = orDefault(v.Run.Health.StartDeadline.Duration, e.opts.StartDeadline)
		if err := t.fit(&e.policies, now); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", v.ID, err))
		}
		ids = append(ids, v.ID)
	}
	e.modules[key] = ids
	e.mu.Unlock()
	if err := errors.Join(faults...); err != nil {
		e.log.Warn("left out windows", "module", m.Name, "error", err)
	}
}

// withdraw forgets the versions of a module. e.mu is held.
func (e *Engine) withdraw(key string) {
	for _, id := range e.modules[key] {
		t := e.services[id]
		t.manifest, t.scale, t.calendar = service.Scale{}, service.Scale{}, calendar{}
	}
	delete(e.modules, key)
}

// Poke asks for a tick at once: a queue forms, or a state changed.
func (e *Engine) Poke() {
	select {
	case e.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// leastPause keeps pokes from making ticks that follow each other at once.
const leastPause = 50 * time.Millisecond

// Run looks at everything regularly and when poked, until ctx ends; then it
// waits for the changes that are under way.
func (e *Engine) Run(ctx context.Context) error {
	defer e.settle()
	if err := e.recall(ctx, time.Now()); err != nil && ctx.Err() == nil {
		e.log.Warn("habits are learnt anew", "error", err)
	}
	if err := e.recallUse(ctx, time.Now()); err != nil && ctx.Err() == nil {
		e.log.Warn("what instances use is measured anew", "error", err)
	}
	ticks := cron.New()
	// Ticks run in this goroutine alone, and a poke that finds another one
	// waiting is dropped, so that ticks never run side by side or pile up.
	ticks.Schedule(cron.Every(e.opts.Tick), cron.FuncJob(e.Poke))
	ticks.Start()
	defer func() { <-ticks.Stop().Done() }()

	e.beside(func() { e.measure(ctx) })
	e.Poke()
	pause := time.NewTimer(leastPause)
	defer pause.Stop()
	edge := time.NewTimer(time.Hour)
	defer edge.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.poke:
		case <-edge.C:
		}
		e.tick(ctx, time.Now())
		if left := time.Until(e.edge); left > 0 {
			edge.Reset(left)
		}
		pause.Reset(leastPause)
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// beside runs f beside the ticks; Run waits for it. Engine.mu is not held.
func (e *Engine) beside(f func()) {
	e.mu.Lock()
	if e.settled {
		e.mu.Unlock()
		f()
		return
	}
	e.work.Add(1)
	e.mu.Unlock()
	go func() {
		defer e.work.Done()
		f()
	}()
}

func (e *Engine) settle() {
	e.mu.Lock()
	e.settled = true
	e.mu.Unlock()
	e.work.Wait()
}

// track returns what is remembered of a service, from now on. Engine.mu is held.
func (e *Engine) track(id service.ID) *tracked {
	t, ok := e.services[id]
	if !ok {
		t = newTracked(id)
		e.services[id] = t
	}
	return t
}

// find returns a service that the engine was told of.
func (e *Engine) find(id service.ID) (*tracked, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.services[id]
	if !ok || t.scale.Max <= 0 {
		return nil, service.Errorf(service.ErrNotFound, "no service %s is registered", id)
	}
	return t, nil
}
