package auth

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/dynsvc/dynsvc/service"
)

const (
	defaultKeep  = 5 * time.Minute // KBase: a revoked token is refused after that at most
	defaultRetry = 2 * time.Second
	keepBad      = 30 * time.Second // a token that is not good may become so: clocks differ
	askTimeout   = 10 * time.Second
	maxGood      = 20_000 // verdicts
	maxBad       = 10_000 // apart, so that a flood of made-up tokens drives no good one out
	maxAsked     = 64     // questions to other services at a time
)

// inquiry asks other services about tokens: each token once at a time and once in a
// while, few at a time, and a service that does not answer not again at once.
type inquiry struct {
	log         hclog.Logger
	keep, retry time.Duration
	good, bad   *verdicts
	flights     singleflight.Group
	slots       chan struct{}
	sometimes   rate.Sometimes

	mu   sync.Mutex
	away map[string]silence // by source
}

// silence is a service that did not answer.
type silence struct {
	until time.Time
	err   error
}

func newInquiry(log hclog.Logger, keep, retry time.Duration) *inquiry {
	return &inquiry{log: log, keep: cmp.Or(keep, defaultKeep), retry: cmp.Or(retry, defaultRetry),
		good: newVerdicts(maxGood), bad: newVerdicts(maxBad), slots: make(chan struct{}, maxAsked),
		sometimes: rate.Sometimes{First: 1, Interval: 10 * time.Second}, away: map[string]silence{}}
}

// ask returns whose a token is, from memory if it can.
func (q *inquiry) ask(ctx context.Context, token string, sourceOf func(token string) source) (service.Caller, error) {
	h, now := hashOf(token), time.Now()
	if v, ok := q.good.get(h, now); ok {
		return v.caller, nil
	}
	if v, ok := q.bad.get(h, now); ok {
		return service.Caller{}, v.err
	}
	s := sourceOf(token)
	if s == nil {
		return service.Caller{}, errUnknown
	}
	// The answer is for all who ask about this token, so it outlives the first of them.
	answer := q.flights.DoChan(string(h[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		return q.inquire(ctx, s, h, token)
	})
	select {
	case a := <-answer:
		c, _ := a.Val.(service.Caller)
		return c, a.Err
	case <-ctx.Done():
		return service.Caller{}, context.Cause(ctx)
	}
}

func (q *inquiry) inquire(ctx context.Context, s source, h hash, token string) (service.Caller, error) {
	if err := q.silent(s.String(), time.Now()); err != nil {
		return service.Caller{}, err
	}
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-ctx.Done():
		return service.Caller{}, service.Errorf(service.ErrUnavailable, "too many tokens are asked about at once: try again")
	}
	c, until, err := s.verify(ctx, token)
	now := time.Now()
	switch {
	case err == nil:
		q.good.put(h, verdict{caller: c, until: earlier(until, now.Add(q.keep))})
		return c, nil
	case errors.Is(err, service.ErrUnauthenticated), errors.Is(err, service.ErrDenied):
		q.bad.put(h, verdict{err: err, until: now.Add(keepBad)})
		return service.Caller{}, err
	}
	q.sometimes.Do(func() { q.log.Warn("could not ask about a token", "source", s.String(), "error", err) })
	err = service.Errorf(service.ErrUnavailable, "%s cannot be asked about your token at the moment: try again", s)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.away[s.String()] = silence{until: now.Add(q.retry), err: err}
	return service.Caller{}, err
}

// silent returns an error while a service is not to be asked again.
func (q *inquiry) silent(name string, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s, ok := q.away[name]; ok && now.Before(s.until) {
		return s.err
	}
	return nil
}

// earlier is the earlier of two moments; a zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
