package gateway

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.opentelemetry.io/otel/trace"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

// Prefix begins every path that the gateway serves: /svc/{module}[@{ref}]/….
// Requests must reach it before any router that cleans or redirects paths.
const Prefix = "/svc/"

// waker raises the count of a service from zero. It returns once the count is
// above zero, or with the reason why it cannot be.
type waker interface {
	Wake(ctx context.Context, id service.ID) error
}

// Options of a [Gateway]. The zero value of each field is its default.
type Options struct {
	QueueLength int            // calls held for one service; 0: 1000
	QueueTotal  int            // calls held for all services together; 0: 10 000
	QueueBytes  int64          // body bytes in memory for the held calls of one service; 0: 64 MiB
	BodyBytes   int64          // memory for the beginnings of bodies, of all calls together; 0: 256 MiB
	BodyTimeout time.Duration  // for as much of a body as is read before a call is passed on; 0: 10 s
	Pace        Pace           // of callers that send the rest of it
	Heartbeat   time.Duration  // how often who waits for an event stream hears that it does; 0: 10 s
	Hold        time.Duration  // how long a call is held whose version sets no limit; 0: the service's start deadline and 5 s
	IdleTimeout time.Duration  // of a connection to an endpoint, to be below the service's own; 0: 1.5 s
	Maxima      service.Limits // what no call's limits are above; zero: anything
	Silence     time.Duration  // after which a WebSocket without a message is closed whose version sets no idle; 0: 1 h, below 0: never

	// Callers says who makes a call; nil: everybody is anonymous.
	Callers callers
	// OpenCalls lets calls of methods that require authentication pass without.
	OpenCalls bool
	// CallerLimits bound what each caller may ask for.
	CallerLimits CallerLimits
	CORS         CORS
	// TrustedProxies are believed when they say for whom they call; nil: nobody is.
	TrustedProxies Proxies

	// DialMesh connects to an endpoint whose transport is [service.Mesh]; nil:
	// there is no mesh.
	DialMesh func(ctx context.Context, id service.ID, addr string) (net.Conn, error)
	// MeshChanged returns a number that changes with the certificates that
	// DialMesh uses; connections from before the change are not used again.
	// nil: they never change.
	MeshChanged func() uint64

	// Jobs keeps call jobs for callers who ask as KBase's clients do. nil: nobody
	// can.
	Jobs jobs

	// Misfits says what of the params of a typed call, JSON or nil, does not fit
	// the method as the version's interface has it, each with its JSON path; nil:
	// all fits. An error means that nobody can say: the call passes. Whether a
	// call is asked about is up to its version, see [service.Method]. nil: no call is.
	Misfits func(ctx context.Context, v *service.Version, method string, params []byte) ([]string, error)

	// Queued hears of each call that waits although the service is ready: all its
	// instances have what they may have. It must not block. nil: nobody listens.
	Queued func(service.ID)

	// Phased hears of each change of a service's phase, with the reason, in their
	// order. It must not block, nor call the gateway. nil: nobody listens.
	Phased func(id service.ID, to service.Phase, reason string)

	// Ended hears of each call that ended, for a log. It must not block, and what
	// it is given is its own. nil: nobody listens.
	Ended func(*Ended)

	// Tracer makes a span of each call; nil: none is made.
	Tracer trace.Tracer

	// Record takes what was used, at most every five seconds. It is never
	// called by two goroutines at once and may take its time. nil: nothing is
	// recorded.
	Record func([]service.Sample)
}

const (
	defaultQueueLength   = 1000
	defaultQueueTotal    = 10_000
	defaultBodyBytes     = 256 << 20
	defaultQueueBytes    = 64 << 20
	defaultStartDeadline = 2 * time.Minute
	defaultIdleTimeout   = 1500 * time.Millisecond
)

// Gateway is the [http.Handler] of everything under [Prefix] and [DynServ].
type Gateway struct {
	log      hclog.Logger
	waker    waker
	opts     Options
	accounts *accounts // nil: no caller is limited
	modules  sync.Map  // module key -> *entry; an entry is replaced whole
	machines sync.Map  // service.ID -> *machine
	client   upstream.Client
	tunnels  httputil.ReverseProxy // what all calls that ask for a WebSocket have in common
	upgrader *http.Transport

	// try asks an endpoint once whether it answers. The state machine's own
	// tests put something without a network here.
	try func(ctx context.Context, m *machine, e *endpoint) error

	closing atomic.Bool  // no new calls
	waiting atomic.Int64 // calls held for all services together
	kept    atomic.Int64 // bytes of the beginnings of bodies that are more than small

	life  context.Context //nolint:containedctx // the gateway's own, ended by Run, for work that no caller owns
	end   context.CancelFunc
	mu    sync.Mutex // guards ended against spawn
	ended bool
	owned sync.WaitGroup
}

// New returns a gateway that knows no module yet.
func New(log hclog.Logger, w waker, opts Options) *Gateway {
	if opts.QueueLength == 0 {
		opts.QueueLength = defaultQueueLength
	}
	if opts.QueueTotal == 0 {
		opts.QueueTotal = defaultQueueTotal
	}
	if opts.BodyBytes == 0 {
		opts.BodyBytes = defaultBodyBytes
	}
	if opts.BodyTimeout == 0 {
		opts.BodyTimeout = bodyTimeout
	}
	opts.Pace = opts.Pace.orDefault()
	if opts.Heartbeat == 0 {
		opts.Heartbeat = heartbeat
	}
	if opts.QueueBytes == 0 {
		opts.QueueBytes = defaultQueueBytes
	}
	if opts.IdleTimeout == 0 {
		opts.IdleTimeout = defaultIdleTimeout
	}
	if opts.Silence == 0 {
		opts.Silence = time.Hour
	}
	if opts.Queued == nil {
		opts.Queued = func(service.ID) {}
	}
	g := &Gateway{log: log, waker: w, opts: opts, accounts: newAccounts(opts.CallerLimits)}
	g.client = upstream.Client{IdleTimeout: opts.IdleTimeout, IdleEach: idlePerHost, IdleAll: idleTotal, HeadLimit: headerLimit}
	g.upgrader = newUpgrader()
	g.try = g.ask
	g.tunnels = httputil.ReverseProxy{
		ErrorLog: log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	g.life, g.end = context.WithCancel(context.Background())
	return g
}

// Run records samples until ctx ends. Then it stops what the gateway does in
// the background, fails the calls still held, and returns nil.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.shut()
	for {
		now := time.Now()
		next := time.NewTimer(now.Truncate(bucket).Add(bucket).Sub(now))
		select {
		case <-ctx.Done():
			next.Stop()
			g.record(true)
			return nil
		case <-next.C:
			g.record(false)
		}
	}
}

// record hands over what was used since the last time.
func (g *Gateway) record(last bool) {
	if g.opts.Record == nil {
		return
	}
	now := time.Now()
	var samples []service.Sample
	g.each(func(m *machine) { samples = m.meters.drain(samples, m.id, now, last) })
	if len(samples) > 0 {
		g.opts.Record(samples)
	}
}

func (g *Gateway) shut() {
	g.closing.Store(true)
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.end()
	g.owned.Wait()
	g.each(func(m *machine) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, e := range m.endpoints {
			e.drop()
		}
	})
}

// spawn runs f in a goroutine that Run waits for; after Run it does nothing.
func (g *Gateway) spawn(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		g.owned.Go(f)
	}
}

// Close refuses new calls and waits until those in flight or held have ended,
// streams and WebSockets included, or ctx has.
func (g *Gateway) Close(ctx context.Context) error {
	g.closing.Store(true)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		var open int64
		g.each(func(m *machine) { open += m.inFlight.Load() + m.queued.Load() })
		if open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// Apply takes in what the cluster says of a service now. States of one service
// must be applied in the order they were read.
func (g *Gateway) Apply(st service.State) { g.machine(st.ID).apply(st) }

// SetStopped closes a service to calls because an admin stopped it, or opens it
// again. Opening also ends the back-off of a service that failed to start.
func (g *Gateway) SetStopped(id service.ID, stopped bool) { g.machine(id).setStopped(stopped) }

// Drain prepares the lowering of a count to keep and reports whether it may be
// lowered. Endpoints with an index of keep or above get no more calls, and
// Drain waits until those they have are answered. With keep 0 the service is
// closing: calls that come wait, and if one came before the last one was
// answered, the service opens again and Drain reports false.
//
// When ctx ends first, everything is as before and Drain reports false. After
// true the caller lowers the count, or calls Open.
func (g *Gateway) Drain(ctx context.Context, id service.ID, keep int) bool {
	return g.machine(id).drain(ctx, keep)
}

// Open undoes Drain.
func (g *Gateway) Open(id service.ID) { g.machine(id).open() }

// Loads tells what the gateway sees of each service that is not idle.
func (g *Gateway) Loads() []service.Load {
	var loads []service.Load
	g.each(func(m *machine) {
		if l := m.load(); l.Phase != service.Idle {
			loads = append(loads, l)
		}
	})
	return loads
}

// Totals tells what was used of each service since the gateway began, and what
// the gateway sees of it now. Services that nobody called are left out.
func (g *Gateway) Totals() []service.Total {
	var totals []service.Total
	g.each(func(m *machine) {
		t := service.Total{ID: m.id, Load: m.load()}
		m.meters.sum(&t)
		v := m.version.Load()
		if v == nil || t.Load.Phase == service.Idle && t.Calls == ([2]service.Classes{}) {
			return
		}
		t.Module, t.Version = v.Module, v.Version
		totals = append(totals, t)
	})
	return totals
}

func (g *Gateway) machine(id service.ID) *machine {
	if m, ok := g.machines.Load(id); ok {
		return m.(*machine)
	}
	m, _ := g.machines.LoadOrStore(id, newMachine(g, id))
	return m.(*machine)
}

func (g *Gateway) each(f func(*machine)) {
	g.machines.Range(func(_, m any) bool {
		f(m.(*machine))
		return true
	})
}
