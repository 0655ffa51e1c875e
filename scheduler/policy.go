package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// policies are the ones that are in force: what an admin said in place of the
// manifests. Engine.mu guards them.
type policies struct {
	list []service.Policy // the oldest first; that of a service counts after its module's
	next time.Time        // when one ends; zero: none does
}

// set puts a policy in the place of the one before of the same module or service.
func (p *policies) set(n service.Policy) {
	kept := make([]service.Policy, 0, len(p.list)+1)
	for _, old := range p.list {
		if old.Service != n.Service || service.ModuleKey(old.Module) != service.ModuleKey(n.Module) {
			kept = append(kept, old)
		}
	}
	if !n.Rules.Empty() {
		kept = append(kept, n)
	}
	p.list = kept
}

// of returns those of a service, its module's first.
func (p *policies) of(module string, id service.ID, now time.Time) []service.Policy {
	var found []service.Policy
	for _, mine := range []service.ID{"", id} {
		for _, one := range p.list {
			if one.Service == mine && service.ModuleKey(one.Module) == module && one.Holds(now) {
				found = append(found, one)
			}
		}
	}
	return found
}

// drop forgets the policies that are over, and says when the next one ends.
func (p *policies) drop(now time.Time) {
	var kept []service.Policy
	p.next = time.Time{}
	for _, one := range p.list {
		if !one.Holds(now) {
			continue
		}
		kept = append(kept, one)
		if !one.Until.IsZero() && (p.next.IsZero() || one.Until.Before(p.next)) {
			p.next = one.Until
		}
	}
	p.list = kept
}

// SetPolicy validates and stores what an admin says of counts in place of the
// manifests, and follows it from now on. Rules that are empty give back what the
// manifests say.
func (e *Engine) SetPolicy(ctx context.Context, p service.Policy) (service.Policy, error) {
	m, err := e.db.Module(ctx, p.Module)
	if err != nil {
		return p, err
	}
	p.Module, p.At = m.Name, time.Now().UTC().Truncate(time.Millisecond)
	if !p.Holds(p.At) {
		return p, service.Errorf(service.ErrInvalid, "the policy would be over since %s", p.Until.Format(time.RFC3339))
	}
	var faults []error
	known := p.Service == ""
	for i := range m.Versions {
		v := &m.Versions[i]
		if p.Service != "" && p.Service != v.ID {
			continue
		}
		known = true
		faults = append(faults, p.Rules.Validate(v))
	}
	if !known {
		return p, service.Errorf(service.ErrNotFound, "%s has no version %s", m.Name, p.Service)
	}
	if err := errors.Join(faults...); err != nil {
		return p, err
	}
	if p.ID, err = e.db.AddPolicy(ctx, p); err != nil {
		return p, err
	}
	e.mu.Lock()
	e.policies.set(p)
	e.fitAll(p.At)
	e.mu.Unlock()
	e.Poke()
	return p, nil
}

// fitAll follows a change of the policies. Engine.mu is held.
func (e *Engine) fitAll(now time.Time) {
	e.policies.drop(now)
	for _, ids := range e.modules {
		for _, id := range ids {
			_ = e.services[id].fit(&e.policies, now) // its windows were validated, or named when it was published
		}
	}
}

// fit makes a service's scale of its manifest's and of the policies. The error
// names windows that were left out.
func (t *tracked) fit(p *policies, now time.Time) error {
	t.scale = t.manifest
	for _, one := range p.of(t.module, t.id, now) {
		t.scale = one.Rules.Apply(t.scale)
	}
	var err error
	t.calendar, err = newCalendar(t.scale.Windows)
	return err
}

// Effective is what a service's count follows.
type Effective struct {
	Scale    service.Scale    `json:"scale"`
	Manifest service.Scale    `json:"manifest"`
	Policies []service.Policy `json:"policies" doc:"what admins said in place of the manifest and is in force"`
	Now      service.Decision `json:"now" doc:"what would be decided now; from and to are the same where nothing changes"`
}

// Effective returns what the count of a service follows, and what that comes to
// now.
func (e *Engine) Effective(id service.ID) (Effective, error) {
	if _, err := e.find(id); err != nil {
		return Effective{}, err
	}
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.services[id]
	x := Effective{Scale: t.scale, Manifest: t.manifest, Policies: e.policies.of(t.module, id, now)}
	if x.Policies == nil {
		x.Policies = []service.Policy{}
	}
	x.Now = e.explain(t, now)
	return x, nil
}

// explain is what the newest snapshot says of a service. Engine.mu is held.
func (e *Engine) explain(t *tracked, now time.Time) service.Decision {
	if why := e.held; why != "" {
		return service.Decision{Service: t.id, At: now, From: t.count, To: t.count, Winner: "unknown", Reason: fmt.Sprintf("all counts are held: %s", why)}
	}
	d, ok := Explain(e.seen, t.id)
	if !ok { // an idle service is not in snapshots
		d, _ = Explain(Snapshot{Now: now, Rules: e.opts.Rules, Limits: e.opts.Limits, Services: []View{{
			ID: t.id, Scale: t.scale, Owner: t.owner, Instance: t.instance, Count: t.count, Fresh: t.seen && t.change == nil,
			Raised: t.raised, Changed: t.changed, Floors: t.calendar.at(now),
			Stopped: t.stopped, StoppedBy: t.stoppedBy, HeldUntil: t.heldUntil, RetryAt: t.retryAt,
		}}}, t.id)
	}
	if d.Winner == "" {
		d.Reason += e.expects(t, now)
	}
	return d
}
