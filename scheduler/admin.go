package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Start lets a stopped service run again and brings it to its first instances,
// also after starts of it failed. It does nothing to the count of a service that
// has instances.
func (e *Engine) Start(ctx context.Context, id service.ID, by string) error {
	t, err := e.setStopped(ctx, id, false, by)
	if err != nil {
		return err
	}
	if err := e.take(ctx, t); err != nil {
		return err
	}
	defer e.end(t)
	return e.raise(ctx, t, service.KindAdmin, "started by "+by, manner{})
}

// Stop brings a service to zero and keeps it there until it is started. Calls in
// flight have the version's stop grace to end, new ones are refused at once. It
// returns when the cluster has taken the count; should ctx end before, the next
// tick does the rest.
func (e *Engine) Stop(ctx context.Context, id service.ID, by string) error {
	t, err := e.setStopped(ctx, id, true, by)
	if err != nil {
		return err
	}
	if err := e.take(ctx, t); err != nil {
		return err
	}
	defer e.end(t)
	return e.set(ctx, t, 0, "stopped by "+by, manner{force: true})
}

// setStopped stores and spreads the wish.
func (e *Engine) setStopped(ctx context.Context, id service.ID, stopped bool, by string) (*tracked, error) {
	t, err := e.find(id)
	if err != nil {
		return nil, err
	}
	if err := e.db.SetStopped(ctx, id, stopped, by); err != nil {
		return nil, err
	}
	e.mu.Lock()
	t.stopped, t.stoppedBy = stopped, by
	t.failures, t.retryAt, t.heldUntil = 0, time.Time{}, time.Time{}
	e.mu.Unlock()
	e.gate.SetStopped(id, stopped)
	return t, nil
}

// Scale sets a service's count to n and keeps it there for Options.HoldFor: 0,
// or what the manifest's min and max allow. A smaller count waits for the calls
// in flight as any other; if they do not end in time, nothing is changed and the
// error says so. A call wakes a service that was scaled to 0: to keep it there,
// stop it.
func (e *Engine) Scale(ctx context.Context, id service.ID, n int, by string) error {
	t, err := e.find(id)
	if err != nil {
		return err
	}
	if err := e.mayScale(t, n); err != nil {
		return err
	}
	if err := e.take(ctx, t); err != nil {
		return err
	}
	defer e.end(t)
	if err := e.set(ctx, t, n, fmt.Sprintf("scaled to %d by %s", n, by), manner{}); err != nil {
		return err
	}
	until := time.Now().Add(e.opts.HoldFor)
	e.mu.Lock()
	t.heldUntil = until
	e.mu.Unlock()
	return errors.Join(
		e.db.SetHold(ctx, id, store.Hold{Count: n, Until: until, Who: by}),
		e.db.AddAudit(ctx, store.Entry{Who: by, Action: "scale", Service: id, Detail: fmt.Sprintf("to %d", n)}),
	)
}

func (e *Engine) mayScale(t *tracked, n int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.stopped && n > 0 {
		return service.Errorf(service.ErrConflict, "%s is %s: start it first", t.id, stoppedBy(t.stoppedBy))
	}
	least := max(1, t.scale.Min)
	if n != 0 && (n < least || n > t.scale.Max) {
		return service.Errorf(service.ErrInvalid, "scale %s to %d: its manifest allows 0, or %d to %d instances", t.id, n, least, t.scale.Max)
	}
	return nil
}

// set makes a person's count true, whatever it is now. The caller has the turn.
func (e *Engine) set(ctx context.Context, t *tracked, n int, reason string, how manner) error {
	var err error
	for range raiseTries {
		var st service.State
		if n > 0 {
			st, err = e.job(ctx, t.id)
		} else if st, err = e.state(ctx, t.id); errors.Is(err, service.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if st.Count == n {
			return nil
		}
		d := service.Decision{Service: t.id, At: time.Now(), From: st.Count, To: n, Kind: service.KindAdmin, Reason: reason}
		err = e.apply(ctx, t, d, st.Revision, how)
		if !errors.Is(err, service.ErrConflict) || inUse(err) {
			return err
		}
	}
	return err
}
