package relay

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

const (
	// holdTime is how long a request waits for a leader: longer than another takes
	// to take over.
	holdTime = 30 * time.Second
	// retryPause is the pause after a leader could not be reached.
	retryPause = 100 * time.Millisecond
)

// errHere says that this agent has come to lead while a request waited.
var errHere = errors.New("this agent leads")

// leaders knows who leads.
type leaders interface {
	// Leader returns the URL of the agent that leads, empty where none is known,
	// and a channel that is closed when that changes.
	Leader() (url string, changed <-chan struct{})
}

// Origin tells of a request who is to be believed to have sent it, as X-Forwarded-For,
// -Host and -Proto have it.
type Origin func(*http.Request) (chain, host, proto string)

// Relay answers every request as the agent that leads does.
type Relay struct {
	leaders leaders
	origin  Origin
	log     hclog.Logger
	client  upstream.Client
	hold    time.Duration
	leaving atomic.Bool
	leader  atomic.Pointer[leader] // the last one that was asked

	mu   sync.Mutex
	here http.Handler   // set while this agent leads
	busy sync.WaitGroup // requests that here has; added to under mu while here is set
	news chan struct{}  // closed when here changes
}

// New returns the relay of an agent that does not lead yet.
func New(l leaders, origin Origin, log hclog.Logger) *Relay {
	return &Relay{leaders: l, origin: origin, log: log, hold: holdTime, news: make(chan struct{}),
		client: upstream.Client{IdleTimeout: idleTimeout, IdleEach: idleConns, IdleAll: 2 * idleConns, HeadLimit: headLimit}}
}

// Lead has this agent answer itself, by h; nil: no longer.
func (r *Relay) Lead(h http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.here = h
	close(r.news)
	r.news = make(chan struct{})
}

// Leave has the relay say that it is not ready, and answer as before.
func (r *Relay) Leave() { r.leaving.Store(true) }

// Drained waits until the requests that this agent answered itself have ended.
// It does not lead any more.
func (r *Relay) Drained(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		r.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the connections that nobody uses.
func (r *Relay) Close() {
	if l := r.leader.Swap(nil); l != nil {
		l.close()
	}
}

// claim returns what answers here, of which the caller says when it has; nil: nothing
// does until news come.
func (r *Relay) claim() (h http.Handler, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.here != nil {
		r.busy.Add(1)
	}
	return r.here, r.news
}

// ServeHTTP answers as the leader does.
func (r *Relay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h, _ := r.claim()
	switch {
	case h != nil:
		defer r.busy.Done()
		h.ServeHTTP(w, q)
	case q.URL.Path == "/healthz":
		w.WriteHeader(http.StatusNoContent)
	case q.URL.Path == "/readyz":
		r.ready(w)
	default:
		p := passing{r: r, w: w, q: q}
		p.serve()
	}
}

func (r *Relay) ready(w http.ResponseWriter) {
	switch leader, _ := r.leaders.Leader(); {
	case r.leaving.Load():
		http.Error(w, "the agent is stopping", http.StatusServiceUnavailable)
	case leader == "":
		http.Error(w, "no agent leads", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// find tries leaders until one was reached: try says otherwise by an
// [upstream.DialError]. The error is errHere once this agent leads.
func (r *Relay) find(ctx context.Context, try func(*leader) error) error {
	var late <-chan time.Time
	var last error
	for {
		h, news := r.claim()
		if h != nil {
			r.busy.Done() // who gets errHere claims it again
			return errHere
		}
		url, changed := r.leaders.Leader()
		pause := r.hold
		if url != "" {
			l, err := r.at(url)
			if err != nil {
				return err
			}
			if err = try(l); err == nil || !errors.As(err, new(*upstream.DialError)) || ctx.Err() != nil {
				return err
			}
			last, pause = err, retryPause
		}
		if late == nil {
			late = time.After(r.hold)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			if last != nil {
				return service.Errorf(service.ErrUnavailable, "the agent at %s, which leads, could not be reached for %s: %w", url, r.hold, last)
			}
			return service.Errorf(service.ErrUnavailable, "no agent leads, and none came for %s: look at the logs of the agents and at Consul", r.hold)
		case <-news:
		case <-changed:
		case <-time.After(pause):
		}
	}
}
