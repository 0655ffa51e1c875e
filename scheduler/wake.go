package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// raiseTries is how often a raise is decided anew after a conflict.
const raiseTries = 5

// Wake brings a service from zero to its first instances because a call waits.
// It returns when the cluster has taken the count, which is before an instance
// answers; nil also when a count was there already. At most Options.ColdStarts
// wakes are with the cluster at once; the others wait for as long as ctx lasts.
func (e *Engine) Wake(ctx context.Context, id service.ID) error {
	t, err := e.find(id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	if c := t.change; c != nil && c.from > 0 && !t.stopped {
		if c.to > 0 {
			e.mu.Unlock()
			return nil
		}
		c.revoke() // on its way to zero; until the cluster is asked, it comes back at once
	}
	e.mu.Unlock()
	if err := e.take(ctx, t); err != nil {
		return err
	}
	defer e.end(t)
	return e.raise(ctx, t, service.KindWake, "a call came and no instance was there", manner{patient: true, urgent: true})
}

// raise brings a service from zero to its first instances. The caller has its
// turn.
func (e *Engine) raise(ctx context.Context, t *tracked, kind service.Kind, reason string, how manner) error {
	select {
	case e.starts <- struct{}{}:
		defer func() { <-e.starts }()
	case <-ctx.Done():
		return fmt.Errorf("wait for other starts before %s: %w", t.id, context.Cause(ctx))
	}
	var err error
	for try := range raiseTries {
		var revision uint64
		var count int
		revision, count, err = e.current(ctx, t, try > 0)
		if err != nil || count > 0 {
			return err
		}
		var d service.Decision
		if d, err = e.first(t, kind, reason); err != nil {
			return err
		}
		err = e.apply(ctx, t, d, revision, how)
		switch {
		case err == nil:
			return e.release(ctx, t)
		case !errors.Is(err, service.ErrConflict) && !errors.Is(err, service.ErrNotFound):
			return err
		}
	}
	return err
}

// current is the count and revision to decide on: what is remembered where that
// says zero, as the compare-and-set proves it, and a fresh read otherwise. A job
// that is not there is made.
func (e *Engine) current(ctx context.Context, t *tracked, again bool) (revision uint64, count int, err error) {
	e.mu.Lock()
	sure := t.seen && t.count == 0 && t.revision > 0 && !again
	revision = t.revision
	e.mu.Unlock()
	if sure {
		return revision, 0, nil
	}
	st, err := e.job(ctx, t.id)
	return st.Revision, st.Count, err
}

// job reads a service's state, and makes the job where there is none.
func (e *Engine) job(ctx context.Context, id service.ID) (service.State, error) {
	st, err := e.state(ctx, id)
	if errors.Is(err, service.ErrNotFound) && e.opts.Ensure != nil {
		if err := e.opts.Ensure(ctx, id); err != nil {
			return st, fmt.Errorf("make the job of %s: %w", id, err)
		}
		st, err = e.state(ctx, id)
	}
	return st, err
}

// state reads a service's state; a job that is stopped is not there.
func (e *Engine) state(ctx context.Context, id service.ID) (service.State, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.ScaleTimeout)
	defer cancel()
	st, err := e.cluster.State(ctx, id)
	if err != nil {
		return st, fmt.Errorf("read the state of %s: %w", id, err)
	}
	if !st.Registered {
		return st, service.Errorf(service.ErrNotFound, "%s has no job in the cluster: register it again", id)
	}
	return st, nil
}

// first is the decision for a service's first instances.
func (e *Engine) first(t *tracked, kind service.Kind, reason string) (service.Decision, error) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.stopped {
		return service.Decision{}, service.Errorf(service.ErrUnavailable, "%s is %s: an admin can start it again", t.id, stoppedBy(t.stoppedBy))
	}
	v := View{ID: t.id, Scale: t.scale, Owner: t.owner, Instance: t.instance, Floors: t.calendar.at(now)}
	a := ask{View: &v, now: now, r: &e.opts.Rules, tell: true}
	w := verdict{proposal: proposal{count: max(1, a.floor()), kind: kind, reason: reason}, winner: string(kind)}
	e.budget().cap(&a, &w)
	if w.count == 0 {
		return service.Decision{}, service.Errorf(service.ErrUnavailable, "%s cannot start: %s", t.id, w.caps[len(w.caps)-1].Reason)
	}
	return service.Decision{
		Service: t.id, At: now, To: w.count, Kind: kind, Reason: w.reason, Caps: w.caps,
		Inputs: map[string]float64{"min": float64(t.scale.Min), "max": float64(t.scale.Max)},
	}, nil
}

// budget is what is in use now, as far as it is remembered. Engine.mu is held.
func (e *Engine) budget() *budget {
	if e.opts.Limits.none() {
		return nil
	}
	s := Snapshot{Limits: e.opts.Limits}
	for _, t := range e.services {
		v := View{Owner: t.owner, Instance: t.instance, Count: t.count}
		if t.change != nil {
			v.Pending = t.change.to
		}
		if v.Count > 0 || v.Pending > 0 {
			s.Services = append(s.Services, v)
		}
	}
	return newBudget(&s)
}

// release ends a hold: a call is a better reason than an older wish.
func (e *Engine) release(ctx context.Context, t *tracked) error {
	e.mu.Lock()
	held := t.heldUntil.After(time.Now())
	t.heldUntil = time.Time{}
	e.mu.Unlock()
	if !held {
		return nil
	}
	e.beside(func() {
		if err := e.db.SetHold(context.WithoutCancel(ctx), t.id, store.Hold{}); err != nil {
			e.log.Error("could not end a hold", "service", t.id, "error", err)
		}
	})
	return nil
}
