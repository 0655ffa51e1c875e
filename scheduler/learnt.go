package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/service"
)

// byHabit keeps an idle instance, or starts one ahead of a call, in the minutes
// in which that is cheaper than the cold start that it may save, see pays:
//
//	kept     <=>  hazard > price × memory / usual memory, or soon again
//	started  <=>  the same by so much that it pays for the start too
//
// hazard is how likely a call is in the minute, see package forecast. The price
// is one for all services: what a minute of an idle instance costs, where a cold
// start costs 1. As the costs of services and of times between calls stand by
// themselves, no other choice of minutes has fewer cold starts for the same sum of
// costs, as far as the hazards are right (Shahrad et al., "Serverless in the
// Wild", ATC 2020, choose two times for each service instead, from its histogram).
//
// While too little is known, idle_after alone decides. An instance is without
// calls for at most Rules.Stretch times idle_after, however likely one is; after
// that long in vain the hazard has to fall below the price before an instance is
// started ahead again.
func byHabit(a *ask) (proposal, bool) {
	if !a.learnt() || a.live() > 0 {
		return proposal{}, false
	}
	if a.Count == 0 {
		return a.prewarm()
	}
	idle, after := a.unused()
	h, price := a.Habit, a.price()
	switch {
	case idle >= a.mostIdle(after):
		return a.habit(0, service.KindIdle, longEnough)
	case h.Hazard > price || h.Coming() > price:
		return a.habit(1, service.KindLoad, likely)
	case idle < min(after, a.r.LeastIdle):
		return a.habit(1, service.KindLoad, justCalled)
	case pays(h.Ahead, price, price*a.r.StartCost, true) || pays(h.Ahead[h.Lead:], price, price*a.r.StartCost, true):
		return a.habit(1, service.KindLoad, soonAgain)
	}
	return a.habit(0, service.KindIdle, unlikely)
}

// prewarm asks for an instance ahead of a call.
func (a *ask) prewarm() (proposal, bool) {
	h, price := a.Habit, a.price()
	// A rise that is older than the last change has had its instance already.
	if a.now.Before(a.RetryAt) || !h.Rise.After(a.Changed.Add(-time.Minute)) || !pays(h.Ahead[h.Lead:], price, price*a.r.StartCost, false) {
		return proposal{}, false
	}
	return a.habit(1, service.KindPrewarm, worthAStart)
}

// mostIdle is how long habits keep an instance without calls.
func (a *ask) mostIdle(after time.Duration) time.Duration {
	return time.Duration(float64(after) * max(1, a.r.Stretch))
}

// ground is why habits ask for what they ask for.
type ground int

const (
	longEnough ground = iota
	likely
	justCalled
	soonAgain
	worthAStart
	unlikely
)

func (a *ask) habit(count int, kind service.Kind, why ground) (proposal, bool) {
	p := proposal{count: count, kind: kind}
	if a.tell {
		p.reason = fmt.Sprintf("%s; %s: %s", a.Habit.Evidence, a.because(why), instances(count))
	}
	return p, true
}

func (a *ask) because(why ground) string {
	h := a.Habit
	cost := forecast.Percent(a.price()) + " of a cold start"
	switch why {
	case longEnough:
		_, after := a.unused()
		return fmt.Sprintf("nobody has called it for %s, the longest that it is kept", a.mostIdle(after))
	case likely:
		return fmt.Sprintf("a call in such a minute is %s likely, more than an idle minute costs, %s", forecast.Percent(max(h.Hazard, h.Coming())), cost)
	case worthAStart:
		return fmt.Sprintf("a call in such a minute is %s likely, which is worth a start ahead of it, as an idle minute costs %s", forecast.Percent(h.Coming()), cost)
	case justCalled:
		return fmt.Sprintf("it was called less than %s ago", a.r.LeastIdle)
	case soonAgain:
		return fmt.Sprintf("a call is so likely soon after this minute that it does not pay to stop, as an idle minute costs %s", cost)
	}
	text := fmt.Sprintf("a call in such a minute is %s likely, less than an idle minute costs, %s", forecast.Percent(h.Hazard), cost)
	if !h.Again.IsZero() {
		text += "; it is to be warm again at " + clock(h.Again)
	}
	return text
}

func clock(t time.Time) string { return t.UTC().Format("15:04") + " UTC" }

// learnt reports whether habits decide on an idle service.
func (a *ask) learnt() bool { return a.Habit != nil && a.price() > 0 }

// price is the hazard above which a minute of an idle instance pays.
func (a *ask) price() float64 { return a.r.PriceOf(&a.Scale, a.Instance) }
