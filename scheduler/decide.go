package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Decide returns the changes of counts that a snapshot asks for, and the instances
// that are to be replaced where the count stays, in the order of its services. It is pure: it reads no clock and keeps nothing.
func Decide(s Snapshot) []service.Decision {
	a := ask{now: s.Now, r: &s.Rules, wideIll: wideIll(&s)}
	b := newBudget(&s)
	if b == nil {
		var decisions []service.Decision
		for i := range s.Services {
			a.View = &s.Services[i]
			if d, ok := a.decide(nil); ok {
				decisions = append(decisions, d)
			}
		}
		return decisions
	}
	// What is left of quotas goes to services without an instance first.
	type placed struct {
		at int
		service.Decision
	}
	var decisions []placed
	for _, empty := range []bool{true, false} {
		for i := range s.Services {
			if a.View = &s.Services[i]; (a.Count == 0) != empty {
				continue
			}
			if d, ok := a.decide(b); ok {
				decisions = append(decisions, placed{i, d})
			}
		}
	}
	slices.SortFunc(decisions, func(x, y placed) int { return cmp.Compare(x.at, y.at) })
	list := make([]service.Decision, len(decisions))
	for i := range decisions {
		list[i] = decisions[i].Decision
	}
	return list
}

// Explain returns what a snapshot says of one service, also when that changes
// nothing: then From and To are the same, and Reason says why. ok is false where
// the snapshot does not have the service.
func Explain(s Snapshot, id service.ID) (d service.Decision, ok bool) {
	i := slices.IndexFunc(s.Services, func(v View) bool { return v.ID == id })
	if i < 0 {
		return d, false
	}
	a := ask{View: &s.Services[i], now: s.Now, r: &s.Rules, wideIll: wideIll(&s), tell: true}
	d = a.decision(a.judge(newBudget(&s)))
	d.Reason += a.aboutIll()
	return d, true
}

// decide judges without words first: most services stay as they are.
func (a *ask) decide(b *budget) (service.Decision, bool) {
	a.tell = false
	v := a.judge(b)
	if v.count == a.Count {
		return a.replace()
	}
	a.tell = true
	v = a.judge(b)
	b.take(a.View, v.count)
	return a.decision(v), true
}

func (a *ask) decision(v verdict) service.Decision {
	return service.Decision{
		Service: a.ID, At: a.now, From: a.Count, To: v.count, Kind: v.kind, Reason: v.reason,
		Winner: v.winner, Proposals: v.proposals, Caps: v.caps, Inputs: a.inputs(),
	}
}

// verdict is the count that a service shall have, and how it came about.
type verdict struct {
	proposal
	winner    string
	proposals []service.Proposal // only where told
	caps      []service.Cap      // only where told
}

// judge comes to a verdict. What people and failures say comes before what
// strategies propose; of these the largest wins, and then the caps come, the
// hardest last.
func (a *ask) judge(b *budget) verdict {
	if p, winner, ok := a.settled(); ok {
		return verdict{proposal: p, winner: winner}
	}
	v := a.propose()
	if v.winner == "" {
		return v
	}
	bound(a, &v)
	limitGrowth(a, &v)
	guard(a, &v)
	b.cap(a, &v)
	return v
}

// settled is the verdict where no strategy is to be asked.
func (a *ask) settled() (p proposal, winner string, ok bool) {
	stay := func(winner, why string) (proposal, string, bool) {
		return proposal{count: a.Count, reason: why}, winner, true
	}
	switch {
	case !a.Fresh:
		return stay("unknown", "the service has not been heard of lately, or its count is being changed: the count stays")
	case a.Stopped:
		return proposal{0, service.KindAdmin, stoppedBy(a.StoppedBy)}, "stop", true
	case a.Scale.Max <= 0:
		return stay("unknown", "no version with this id is published: the count stays")
	case a.held():
		why := ""
		if a.tell {
			why = "the count was set from outside and is kept until " + a.HeldUntil.UTC().Format(time.RFC3339)
		}
		return stay("hold", why)
	}
	if p, ok := byFailure(a.View); ok {
		return p, "failed start", true
	}
	return proposal{}, "", false
}

// propose asks all strategies; the largest proposal wins, the first of those
// that are equal.
func (a *ask) propose() verdict {
	v := verdict{proposal: proposal{count: a.Count, reason: "no strategy asks for an instance"}}
	note := func(name string, p proposal) {
		v.proposals = append(v.proposals, service.Proposal{Strategy: name, Count: p.count, Reason: p.reason})
	}
	if !a.tell {
		note = nil
	}
	if p, winner, ok := a.need(note); ok {
		v.proposal, v.winner = p, winner
	}
	for i := range others {
		p, ok := others[i].propose(a)
		if !ok {
			continue
		}
		if note != nil {
			note(others[i].name, p)
		}
		if v.winner == "" || p.count > v.count {
			v.proposal, v.winner = p, others[i].name
		}
	}
	return v
}

// to makes another count of the verdict's. how follows its reason.
func (v *verdict) to(a *ask, count int, rule, how string) {
	if a.tell {
		v.caps = append(v.caps, service.Cap{Rule: rule, From: v.count, To: count, Reason: how})
	}
	v.count = count
}

func stoppedBy(who string) string {
	if who == "" {
		return "stopped by an admin"
	}
	return "stopped by " + who
}

// bound caps a proposal: max means max.
func bound(a *ask, v *verdict) {
	if v.count <= a.Scale.Max {
		return
	}
	if a.Count > a.Scale.Max {
		v.kind = service.KindBounds
	}
	if a.tell {
		v.reason = fmt.Sprintf("%s, capped at max %d", v.reason, a.Scale.Max)
	}
	v.to(a, a.Scale.Max, "max", "the version's max")
}

// limitGrowth keeps one decision from asking for very many instances on the word
// of the few that answer. The next one may ask for more once those answer.
func limitGrowth(a *ask, v *verdict) {
	most := max(a.Count, a.r.GrowLeast, a.r.GrowFactor*a.Ready)
	if v.kind != service.KindLoad || v.count <= most || a.r.GrowFactor <= 0 {
		return
	}
	how := ""
	if a.tell {
		how = fmt.Sprintf("at most %d times the %d that answer, or %d, at once", a.r.GrowFactor, a.Ready, a.r.GrowLeast)
		v.reason = fmt.Sprintf("%s, but %s: %s", v.reason, how, instances(most))
	}
	v.to(a, most, "growth", how)
}

// inputs are the numbers that a decision was made from.
func (a *ask) inputs() map[string]float64 {
	in := map[string]float64{
		"ready":          float64(a.Ready),
		"in_flight":      float64(a.InFlight),
		"queued":         float64(a.Queued),
		"stable_average": a.Stable,
		"panic_average":  a.Panic,
		"peak_instances": float64(a.Peak),
		"min":            float64(a.Scale.Min),
		"max":            float64(a.Scale.Max),
		"concurrency":    float64(concurrency(a.View)),
	}
	if a.Scale.Target != (service.Target{}) {
		in["calls_per_second"], in["mean_seconds"], in["latency_seconds"] = a.Rate, a.Took.Seconds(), a.Latency.Seconds()
	}
	if a.CPUKnown {
		in["cpu_mhz"], in["memory_mib"] = a.CPU, a.Memory
	}
	if a.Sick > 0 {
		in["sick"] = float64(a.Sick)
	}
	if a.Habit != nil {
		in["hazard"], in["idle_price"] = a.Habit.Hazard, a.price()
	}
	if !a.LastBusy.IsZero() {
		in["idle_seconds"] = a.now.Sub(a.LastBusy).Seconds()
	}
	return in
}
