package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

const (
	// relayHold is how long a request waits for a leader: longer than another takes
	// to take over.
	relayHold = 30 * time.Second
	// relayRetry is the pause after a leader could not be reached.
	relayRetry = 100 * time.Millisecond
)

// errHere says that this agent has come to lead while a request waited.
var errHere = errors.New("this agent leads")

// leaders knows who leads.
type leaders interface {
	// Leader returns the URL of the agent that leads, empty where none is known,
	// and a channel that is closed when that changes.
	Leader() (url string, changed <-chan struct{})
}

// relay answers every request as the agent that leads does: itself where that is
// this one, and else by passing it on. While nobody leads, requests wait. What was
// not written to a leader yet is passed to the next one; what was is never sent
// twice.
type relay struct {
	leaders leaders
	log     hclog.Logger
	proxy   *httputil.ReverseProxy
	hold    time.Duration

	mu   sync.Mutex
	here http.Handler   // set while this agent leads
	busy sync.WaitGroup // requests that here has; added to under mu while here is set
	news chan struct{}  // closed when here changes
}

func newRelay(l leaders, log hclog.Logger) *relay {
	r := &relay{leaders: l, log: log, hold: relayHold, news: make(chan struct{})}
	r.proxy = &httputil.ReverseProxy{
		Transport: &searching{relay: r, onward: newOnward()}, FlushInterval: -1, ErrorLog: log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.Host = p.In.Host
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
			for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto"} {
				if said := p.In.Header[name]; said != nil {
					p.Out.Header[name] = said
				}
			}
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "leader" // searching knows better
		},
		ModifyResponse: func(res *http.Response) error {
			if res.Close && res.Request.ProtoMajor == 1 {
				res.Header.Set("Connection", "close") // the server would read the rest of the request before it sends the answer
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, q *http.Request, err error) {
			if errors.Is(err, errHere) {
				r.ServeHTTP(w, arrivalOf(q).q)
				return
			}
			r.log.Debug("could not pass a request on", "error", err)
			w.Header().Set("Retry-After", "5")
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		},
	}
	return r
}

// lead has this agent answer itself, by h; nil: no longer.
func (r *relay) lead(h http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.here = h
	close(r.news)
	r.news = make(chan struct{})
}

// local returns a channel that is closed when this agent comes to lead, or leads
// no longer.
func (r *relay) local() (leads bool, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.here != nil, r.news
}

// claim returns what answers here; the caller says when it has.
func (r *relay) claim() (h http.Handler, answered func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.here != nil {
		r.busy.Add(1)
	}
	return r.here, r.busy.Done
}

// drained waits until the requests that this agent answered itself have ended.
// It does not lead any more.
func (r *relay) drained(ctx context.Context) error {
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

func (r *relay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h, answered := r.claim()
	switch {
	case h != nil:
		defer answered()
		h.ServeHTTP(w, q)
	case q.URL.Path == "/healthz":
		w.WriteHeader(http.StatusNoContent)
	case q.URL.Path == "/readyz":
		if leader, _ := r.leaders.Leader(); leader == "" {
			http.Error(w, "no agent leads", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		r.proxy.ServeHTTP(w, q.WithContext(context.WithValue(q.Context(), arrivalKey{}, &arrival{w, q})))
	}
}

// arrival is a request as it came.
type arrival struct {
	w http.ResponseWriter
	q *http.Request
}

type arrivalKey struct{}

// arrivalOf finds the arrival of a request that the proxy made.
func arrivalOf(q *http.Request) *arrival { return q.Context().Value(arrivalKey{}).(*arrival) }

// cut ends the reading of a body that nobody wants any more.
func (a *arrival) cut() {
	_ = http.NewResponseController(a.w).SetReadDeadline(time.Now()) // a writer that cannot has no slow sender behind it
}

// searching finds the leader for a request, and another one where none answers.
type searching struct {
	relay  *relay
	onward *onward
}

func (s *searching) RoundTrip(q *http.Request) (*http.Response, error) {
	late := time.NewTimer(s.relay.hold)
	defer late.Stop()
	var last error
	for {
		leads, news := s.relay.local()
		if leads {
			return nil, errHere
		}
		leader, changed := s.relay.leaders.Leader()
		pause := s.relay.hold
		if leader != "" {
			resp, err := s.onward.pass(q, leader)
			if err == nil || !errors.As(err, new(*upstream.DialError)) || q.Context().Err() != nil {
				return resp, err
			}
			last, pause = err, relayRetry
		}
		again := time.NewTimer(pause)
		select {
		case <-q.Context().Done():
			again.Stop()
			return nil, context.Cause(q.Context())
		case <-late.C:
			again.Stop()
			if last != nil {
				return nil, service.Errorf(service.ErrUnavailable, "the agent at %s, which leads, could not be reached for %s: %w", leader, s.relay.hold, last)
			}
			return nil, service.Errorf(service.ErrUnavailable, "no agent leads, and none came for %s: look at the logs of the agents and at Consul", s.relay.hold)
		case <-news:
		case <-changed:
		case <-again.C:
		}
		again.Stop()
	}
}
