package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// proposal is the count that one strategy asks for, and why.
type proposal struct {
	count  int
	kind   service.Kind
	reason string
}

// strategy proposes a count for a service; ok is false when it has no opinion.
type strategy func(v *View, now time.Time, r *Rules) (p proposal, ok bool)

// strategies in the order in which they win a tie.
var strategies = []strategy{byConcurrency, byFloor, byIdleTime}

// Decide returns the changes of counts that a snapshot asks for, in the order of
// its services. It is pure: it reads no clock and keeps nothing.
func Decide(s Snapshot) []service.Decision {
	var decisions []service.Decision
	for i := range s.Services {
		if d, ok := decide(&s.Services[i], s.Now, &s.Rules); ok {
			decisions = append(decisions, d)
		}
	}
	return decisions
}

func decide(v *View, now time.Time, r *Rules) (service.Decision, bool) {
	if !v.Fresh {
		return service.Decision{}, false
	}
	p, ok := verdict(v, now, r)
	if !ok || p.count == v.Count {
		return service.Decision{}, false
	}
	return service.Decision{
		Service: v.ID, At: now, From: v.Count, To: p.count,
		Kind: p.kind, Reason: p.reason, Inputs: inputs(v, now),
	}, true
}

// verdict is the count that a service shall have. What people and failures say
// comes before what load says.
func verdict(v *View, now time.Time, r *Rules) (proposal, bool) {
	switch {
	case v.Stopped:
		return proposal{0, service.KindAdmin, stoppedBy(v.StoppedBy)}, true
	case v.Scale.Max <= 0 || v.held(now):
		return proposal{}, false
	}
	if p, ok := byFailure(v); ok {
		return p, true
	}
	var best proposal
	found := false
	for _, propose := range strategies {
		if p, ok := propose(v, now, r); ok && (!found || p.count > best.count) {
			best, found = p, true
		}
	}
	if !found {
		return proposal{}, false
	}
	return guard(bound(best, v), v, now, r), true
}

func stoppedBy(who string) string {
	if who == "" {
		return "stopped by an admin"
	}
	return "stopped by " + who
}

// bound caps a proposal: max means max.
func bound(p proposal, v *View) proposal {
	if p.count <= v.Scale.Max {
		return p
	}
	p.reason = fmt.Sprintf("%s, capped at max %d", p.reason, v.Scale.Max)
	p.count = v.Scale.Max
	if v.Count > v.Scale.Max {
		p.kind = service.KindBounds
	}
	return p
}

// inputs are the numbers that a decision was made from.
func inputs(v *View, now time.Time) map[string]float64 {
	in := map[string]float64{
		"ready":          float64(v.Ready),
		"in_flight":      float64(v.InFlight),
		"queued":         float64(v.Queued),
		"stable_average": v.Stable,
		"panic_average":  v.Panic,
		"peak":           v.Peak,
		"min":            float64(v.Scale.Min),
		"max":            float64(v.Scale.Max),
		"concurrency":    float64(concurrency(v)),
	}
	if v.Sick > 0 {
		in["sick"] = float64(v.Sick)
	}
	if !v.LastBusy.IsZero() {
		in["idle_seconds"] = now.Sub(v.LastBusy).Seconds()
	}
	return in
}
