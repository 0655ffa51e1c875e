package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// applied is the outcome of a decision that the cluster took.
const applied = "applied"

// Why a smaller count was not asked for.
var (
	errCallsCame   = service.Errorf(service.ErrConflict, "calls came while instances were closing")
	errNoneLeft    = service.Errorf(service.ErrConflict, "the instances that would stay do not take calls")
	errCallsRemain = service.Errorf(service.ErrConflict, "calls were still in flight when the stop grace was over")
)

// inUse reports whether an error says that calls are in the way.
func inUse(err error) bool {
	return errors.Is(err, errCallsCame) || errors.Is(err, errNoneLeft) || errors.Is(err, errCallsRemain)
}

// The pauses between requests while a deployment is active.
const (
	firstDeployPause = 250 * time.Millisecond
	lastDeployPause  = 2 * time.Second
)

// finishTimeout bounds what is stored after the caller's time is over.
const finishTimeout = 5 * time.Second

// tick looks at everything once and begins what Decide asks for. What cannot
// begin now is decided anew by the next tick.
func (e *Engine) tick(ctx context.Context, now time.Time) {
	s, found, ok := e.look(ctx, now)
	if !ok {
		return
	}
	e.keep(ctx, found)
	decisions := Decide(s)
	// Growth first: callers wait for it.
	slices.SortStableFunc(decisions, func(a, b service.Decision) int { return boolInt(a.To < a.From) - boolInt(b.To < b.From) })
	for i := range decisions {
		d := &decisions[i]
		t, revision, ok := e.begin(d, now)
		if !ok {
			continue
		}
		e.beside(func() {
			defer e.Poke() // what came meanwhile is looked at now
			defer e.end(t)
			if d.Kind == service.KindReplace {
				if err := e.exchange(ctx, t, *d); err != nil {
					e.log.Warn("did not replace an instance", "service", d.Service, "alloc", d.Alloc, "reason", d.Reason, "error", err)
				}
				return
			}
			if err := e.apply(ctx, t, *d, revision, manner{}); err != nil {
				e.log.Warn("did not scale", "service", d.Service, "from", d.From, "to", d.To, "reason", d.Reason, "error", err)
			}
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// begin takes the turn of a service for a decision of a tick, if it is free, the
// decision is still about what is there, and the pace allows it.
func (e *Engine) begin(d *service.Decision, now time.Time) (t *tracked, revision uint64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t = e.services[d.Service]
	if t.count != d.From || t.waits(d.To < d.From, now) {
		return nil, 0, false
	}
	select {
	case t.turn <- struct{}{}:
	default:
		return nil, 0, false
	}
	if !e.pace.AllowN(now, 1) {
		<-t.turn
		return nil, 0, false
	}
	t.change = &change{from: d.From, to: d.To}
	return t, t.revision, true
}

// take waits for the turn of a service.
func (e *Engine) take(ctx context.Context, t *tracked) error {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for another change of %s: %w", t.id, context.Cause(ctx))
	}
	e.mu.Lock()
	t.change = &change{from: t.count, to: t.count}
	e.mu.Unlock()
	return nil
}

// end gives the turn back.
func (e *Engine) end(t *tracked) {
	e.mu.Lock()
	t.change = nil
	e.mu.Unlock()
	<-t.turn
}

// manner is how a decision is carried out.
type manner struct {
	force   bool // calls in flight have the stop grace and no more
	patient bool // a deployment is waited for as long as ctx lasts
	urgent  bool // a caller waits: what is stored after the fact may come later
}

// apply carries out a decision. The caller has the turn of the service.
func (e *Engine) apply(ctx context.Context, t *tracked, d service.Decision, revision uint64, how manner) error {
	began := time.Now()
	down := d.To < d.From
	e.mu.Lock()
	t.change.from, t.change.to = d.From, d.To
	e.mu.Unlock()
	if down {
		if err := e.drain(ctx, t, d.To); err != nil && !how.force {
			return e.refuse(ctx, t, d, err)
		}
	}
	id, err := e.db.AddDecision(ctx, d)
	if err != nil {
		err = fmt.Errorf("store the decision: %w", err)
		if !how.urgent {
			return e.refuse(ctx, t, d, err)
		}
		e.log.Error("could not store a decision", "service", d.Service, "error", err)
	}
	d.ID = id
	scaling := service.Scaling{ID: d.Service, To: d.To, Revision: revision, Reason: d.Reason, Decision: id}
	revision, err = e.scale(ctx, t, scaling, how)
	if err != nil {
		return e.refuse(ctx, t, d, err)
	}
	d.Outcome = applied
	e.mu.Lock()
	if revision == 0 {
		revision = t.revision
	}
	t.moved(d.To, revision, time.Now())
	t.last, t.refusals = d, 0
	if d.Kind == service.KindFailed {
		t.failed(time.Now())
	}
	e.mu.Unlock()
	e.log.Info("scaled", "service", d.Service, "from", d.From, "to", d.To, "reason", d.Reason, "took", time.Since(began).String())
	if how.urgent {
		e.beside(func() { e.finish(ctx, d) })
		return nil
	}
	e.finish(ctx, d)
	return nil
}

// refuse ends a decision that was not applied: the gate opens again, and the
// outcome is stored.
func (e *Engine) refuse(ctx context.Context, t *tracked, d service.Decision, why error) error {
	if d.To < d.From {
		e.gate.Open(d.Service)
	}
	d.Outcome = "not applied: " + why.Error()
	e.mu.Lock()
	t.refused(d.To < d.From, time.Now())
	t.last = d
	e.mu.Unlock()
	e.finish(ctx, d)
	return why
}

// finish stores the outcome of a decision, also of one that was not stored yet.
func (e *Engine) finish(ctx context.Context, d service.Decision) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	if e.opts.Decided != nil {
		e.opts.Decided(d)
	}
	var err error
	if d.ID != 0 {
		err = e.db.FinishDecision(ctx, d.ID, d.Outcome)
	} else {
		_, err = e.db.AddDecision(ctx, d)
	}
	if err != nil {
		e.log.Error("could not store an outcome", "service", d.Service, "decision", d.ID, "error", err)
	}
}

// drain closes all but keep instances to calls and waits for those in flight.
func (e *Engine) drain(ctx context.Context, t *tracked, keep int) error {
	e.mu.Lock()
	ctx, cancel := context.WithTimeout(ctx, orDefault(t.grace, e.opts.StopGrace))
	defer cancel()
	t.change.cancel = cancel
	if t.change.revoked {
		cancel()
	}
	e.mu.Unlock()

	ok := e.gate.Drain(ctx, t.id, keep)
	switch {
	case e.revoked(t):
		return errCallsCame
	case ok:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errCallsRemain
	case ctx.Err() != nil:
		return ctx.Err()
	case keep > 0:
		return errNoneLeft
	}
	return errCallsCame
}

func (e *Engine) revoked(t *tracked) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return t.change.revoked
}

// scale asks the cluster, and again while a deployment is active and the change
// is still wanted.
func (e *Engine) scale(ctx context.Context, t *tracked, s service.Scaling, how manner) (uint64, error) {
	if !how.patient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.opts.DeployWait)
		defer cancel()
	}
	pause := firstDeployPause
	for {
		if e.revoked(t) && !how.force {
			return 0, errCallsCame
		}
		if err := e.leads(); err != nil && !how.urgent && !how.force {
			return 0, fmt.Errorf("scale %s: %w", s.ID, err)
		}
		revision, err := e.ask(ctx, s)
		if !errors.Is(err, service.ErrDeploying) {
			return revision, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(pause):
		}
		// The gateway takes a closed service to be at zero any moment, so that
		// who comes now does not wake it but waits.
		if s.To == 0 && !how.force && e.waited(s.ID) {
			return 0, errCallsCame
		}
		pause = min(2*pause, lastDeployPause)
	}
}

// waited reports whether calls wait for a service.
func (e *Engine) waited(id service.ID) bool {
	return slices.ContainsFunc(e.gate.Loads(), func(l service.Load) bool { return l.ID == id && l.Queued > 0 })
}

func (e *Engine) ask(ctx context.Context, s service.Scaling) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.ScaleTimeout)
	defer cancel()
	return e.cluster.Scale(ctx, s)
}
