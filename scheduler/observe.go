package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// staleAfter is how long a state that is older than our own last change is left
// alone, and so is the absence of a job. Later it is the truth: the cluster was
// restored from a backup, say.
const staleAfter = 30 * time.Second

// finding is what a tick found that is to be stored.
type finding struct {
	adopted service.Decision // the zero value: nothing was adopted
	held    time.Time        // until when the adopted count stays; zero: not held
	open    int64            // a decision whose outcome nobody had stored; 0: none
	outcome string
}

// look reads everything that Decide is to know. ok is false when something is
// not known, and then nothing is decided.
func (e *Engine) look(ctx context.Context, now time.Time) (s Snapshot, found []finding, ok bool) {
	if err := e.leads(); err != nil {
		e.hold(err.Error())
		return Snapshot{}, nil, false
	}
	since := e.usage.since(now, e.opts.Rules.Stable)
	samples, err := e.db.RecentSamples(ctx, since)
	if ctx.Err() != nil {
		return Snapshot{}, nil, false
	}
	if err != nil {
		e.hold("usage cannot be read: " + err.Error())
		return Snapshot{}, nil, false
	}
	states, fresh := e.cluster.States()
	if !fresh {
		e.hold("the cluster has not been heard lately")
		return Snapshot{}, nil, false
	}
	e.hold("")
	e.usage.add(samples, since, now, e.opts.Rules.Stable, e.timed)
	loads := map[service.ID]service.Load{}
	for _, l := range e.gate.Loads() {
		loads[l.ID] = l
	}
	wrong := e.diagnose(states, loads, now)

	e.mu.Lock()
	defer e.mu.Unlock()
	e.round++
	if next := e.policies.next; !next.IsZero() && !now.Before(next) {
		e.fitAll(now)
	}
	e.edge = e.policies.next
	e.watch(loads, now)
	s = Snapshot{Now: now, Rules: e.opts.Rules, Limits: e.opts.Limits}
	for i := range states {
		st := &states[i]
		if !st.Registered {
			continue
		}
		t := e.track(st.ID)
		t.round = e.round
		load := loads[st.ID]
		f, fresh := e.observe(t, st, load.Queued, now)
		if f.open != 0 || f.adopted.Service != "" {
			found = append(found, f)
		}
		habit := e.habit(t, now)
		if t.count == 0 && load.Queued == 0 && t.scale.Min == 0 && len(t.calendar.windows) == 0 && !e.comes(t, habit) {
			continue // the common case: idle
		}
		v := e.view(t, st, load, wrong[st.ID], fresh, now)
		v.Habit = habit
		e.edge = sooner(e.edge, t.calendar.until)
		s.Services = append(s.Services, v)
	}
	e.forget(now)
	e.seen = s
	return s, found, true
}

// sooner is the earlier of two times of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (e *Engine) leads() error {
	if e.opts.Leads == nil {
		return nil
	}
	return e.opts.Leads()
}

// hold says once why nothing is decided, and once that it is again.
func (e *Engine) hold(why string) {
	switch {
	case why != "" && e.blind == "" && e.round == 0: // a start, which has heard nothing yet
		e.log.Debug("held all counts", "reason", why)
	case why != "" && e.blind == "":
		e.log.Warn("held all counts", "reason", why)
	case why == "" && e.blind != "":
		e.log.Info("decided on counts again")
	}
	e.blind = why
	e.mu.Lock()
	e.held = why
	e.mu.Unlock()
}

// observe compares what the cluster says of a service with what is remembered.
// fresh is false while it is not to be decided on.
func (e *Engine) observe(t *tracked, st *service.State, queued int, now time.Time) (f finding, fresh bool) {
	switch {
	case t.change != nil:
		return f, false
	case t.seen && st.Revision == t.revision && st.Count == t.count:
		return f, true
	case t.seen && st.Revision < t.revision && now.Sub(t.changed) < staleAfter:
		return f, false
	case t.seen && st.Count == t.count:
		t.revision = st.Revision // the job was registered anew
		return f, true
	}
	first, before := !t.seen, t.count
	if first {
		before = left(&t.last)
		if t.last.ID != 0 && t.last.Outcome == "" {
			f.open, f.outcome = t.last.ID, "not applied: the agent ended before the cluster was asked"
			if st.Count == t.last.To {
				f.outcome, before = applied, st.Count
			}
		}
	} else if t.last.Outcome != applied && st.Count == t.last.To && now.Sub(t.last.At) < staleAfter {
		before = st.Count // our own request, whose answer was lost
	}
	t.moved(st.Count, st.Revision, now)
	if st.Count == before || t.scale.Max <= 0 {
		return f, true
	}
	f.adopted = service.Decision{
		Service: t.id, At: now, From: before, To: st.Count, Kind: service.KindAdopted,
		Reason:  fmt.Sprintf("someone else changed the count from %d to %d", before, st.Count),
		Outcome: applied,
	}
	// Nothing needs to be kept at zero: calls wake the service, and a cluster
	// that was restarted has forgotten its counts.
	if !t.stopped && (st.Count > 0 || !first && queued == 0) {
		f.held = now.Add(e.opts.HoldFor)
		t.heldUntil = f.held
		f.adopted.Reason += ", which is kept for " + e.opts.HoldFor.String()
	}
	t.last = f.adopted
	return f, true
}

// left is the count that the last decision left behind.
func left(last *service.Decision) int {
	if last.Outcome == applied {
		return last.To
	}
	return last.From
}

// view is what Decide is to know of one service.
func (e *Engine) view(t *tracked, st *service.State, load service.Load, wrong diagnosis, fresh bool, now time.Time) View {
	r := &e.opts.Rules
	v := View{
		ID: t.id, Scale: t.scale, Owner: t.owner, Instance: t.instance, Count: t.count, Fresh: fresh,
		Ready: max(0, min(load.Ready, len(st.Endpoints)-wrong.sick)), Sick: wrong.sick,
		Ill: wrong.ill, Replaced: t.replacedSince(now.Add(-time.Hour)),
		Failed: st.Failure, Phase: load.Phase, PhaseSince: load.Since,
		InFlight: load.InFlight, Queued: load.Queued,
		Stable:   e.usage.average(t.id, load.InFlight, now, r.Stable),
		Panic:    e.usage.average(t.id, load.InFlight, now, r.Panic),
		LastBusy: load.LastBusy, Raised: t.raised, Changed: t.changed,
		Floors:  t.calendar.at(now),
		Stopped: t.stopped, StoppedBy: t.stoppedBy, HeldUntil: t.heldUntil, RetryAt: t.retryAt,
	}
	if target := t.scale.Target; target != (service.Target{}) {
		v.Rate, v.Took = e.usage.rate(t.id, now, r.Stable)
		v.RatePanic, _ = e.usage.rate(t.id, now, r.Panic)
		if target.Latency.Duration > 0 {
			v.Latency = e.usage.latency(t.id, now, r.Stable, float64(percentile(target))/100)
		}
	}
	if u, ok := t.processor.average(now, r.Stable); ok {
		v.CPU, v.Memory, v.CPUKnown = u.mhz, u.memory, true
	}
	if t.change != nil {
		v.Pending = t.change.to
	}
	if v.Failed == nil && load.Since.After(t.raised) {
		v.Failed = load.Failure
	}
	if load.Phase == service.Ready {
		v.ReadySince = load.Since
		t.failures, t.retryAt = 0, time.Time{}
	}
	if t.count > 0 {
		a := ask{View: &v, now: now, r: r}
		v.Peak = t.peak.add(now, a.demand(), r.Shrink)
	}
	return v
}

// timed reports whether a service's latencies are wanted.
func (e *Engine) timed(id service.ID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.services[id]
	return ok && t.scale.Target.Latency.Duration > 0
}

// forget what the cluster no longer tells of: the job is gone.
func (e *Engine) forget(now time.Time) {
	for _, t := range e.services {
		if t.seen && t.round != e.round && t.change == nil && now.Sub(t.changed) >= staleAfter {
			t.seen, t.count, t.revision, t.last, t.peak = false, 0, 0, service.Decision{}, peak{}
		}
	}
}

// keep stores what a tick found.
func (e *Engine) keep(ctx context.Context, found []finding) {
	for i := range found {
		f := &found[i]
		if f.open != 0 {
			if err := e.db.FinishDecision(ctx, f.open, f.outcome); err != nil {
				e.log.Error("could not store an outcome", "decision", f.open, "error", err)
			}
		}
		if f.adopted.Service == "" {
			continue
		}
		d := &f.adopted
		e.log.Info("adopted a count", "service", d.Service, "from", d.From, "to", d.To, "reason", d.Reason)
		if _, err := e.db.AddDecision(ctx, *d); err != nil {
			e.log.Error("could not store a decision", "service", d.Service, "error", err)
		}
		if f.held.IsZero() {
			continue
		}
		if err := e.db.SetHold(ctx, d.Service, store.Hold{Count: d.To, Until: f.held, Who: "the cluster"}); err != nil {
			e.log.Error("could not store a hold", "service", d.Service, "error", err)
		}
	}
}
