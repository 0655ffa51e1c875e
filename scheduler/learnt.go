package scheduler

import (
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/service"
)

// byHabit keeps an idle instance, or starts one ahead of a call, in the minutes
// in which a call is likely enough to pay for it:
//
//	warm  <=>  hazard > price * memory / usual memory
//
// hazard is how likely a call is in the minute, see package forecast. The price
// is one for all services: what a minute of an idle instance costs, where a cold
// start costs 1. As each minute's cost and gain stand by themselves, no other
// choice of minutes has fewer cold starts for the same sum of costs, as far as
// the hazards are right (Shahrad et al., "Serverless in the Wild", ATC 2020,
// choose two times for each service instead, from its histogram).
//
// idle_after stays the longest that an instance is idle at a stretch, and all
// there is while too little is known. After a stretch that long in vain the
// hazard has to fall below the price before an instance is started ahead again.
func byHabit(a *ask) (proposal, bool) {
	if !a.learnt() || a.live() > 0 {
		return proposal{}, false
	}
	if a.Count == 0 {
		return a.prewarm()
	}
	idle, after := a.unused()
	switch price := a.price(); {
	case idle >= after:
		return proposal{}, false // idle time says so
	case a.Habit.Hazard > price || a.Habit.Coming > price:
		return a.hold("%s: a call in %s of such minutes pays for an idle instance, the price is %s: 1 instance")
	case idle < a.r.LeastIdle:
		return a.hold("%s, with a call in %s of such minutes against a price of %s, but called less than " + a.r.LeastIdle.String() + " ago: 1 instance")
	case !a.Habit.Again.IsZero() && a.Habit.Again.Sub(a.now) <= a.r.Bridge:
		return a.hold("%s: now a call comes in %s of such minutes, below the price of %s, but above it soon: 1 instance")
	}
	p := proposal{kind: service.KindIdle}
	if a.tell {
		p.reason = fmt.Sprintf("%s: a call in %s of such minutes does not pay for an idle instance, the price is %s; %s",
			a.Habit.Evidence, forecast.Percent(a.Habit.Hazard), forecast.Percent(a.price()), again(a.Habit.Again))
	}
	return p, true
}

// learnt reports whether habits decide on an idle service.
func (a *ask) learnt() bool { return a.Habit != nil && a.r.Price > 0 }

// prewarm asks for an instance ahead of a call.
func (a *ask) prewarm() (proposal, bool) {
	h := a.Habit
	// A rise that is older than the last change has had its instance already.
	if h.Coming <= a.price() || a.now.Before(a.RetryAt) || !h.Rise.After(a.Changed.Add(-time.Minute)) {
		return proposal{}, false
	}
	p := proposal{count: 1, kind: service.KindPrewarm}
	if a.tell {
		p.reason = fmt.Sprintf("%s: a call in %s of such minutes pays for an instance ahead of it, the price is %s: 1 instance",
			h.Evidence, forecast.Percent(h.Coming), forecast.Percent(a.price()))
	}
	return p, true
}

// hold keeps an idle instance.
func (a *ask) hold(how string) (proposal, bool) {
	p := proposal{count: 1, kind: service.KindLoad}
	if a.tell {
		p.reason = fmt.Sprintf(how, a.Habit.Evidence, forecast.Percent(max(a.Habit.Hazard, a.Habit.Coming)), forecast.Percent(a.price()))
	}
	return p, true
}

func again(at time.Time) string {
	if at.IsZero() {
		return "no minute in sight does"
	}
	return "warm again at " + at.UTC().Format("15:04") + " UTC"
}

// price is the hazard above which a minute of an idle instance pays.
func (a *ask) price() float64 { return a.r.PriceOf(a.Instance) }

// PriceOf is the hazard above which a minute of an idle instance of this size
// pays: the price for the usual memory, and in proportion for more or less.
func (r *Rules) PriceOf(s Size) float64 {
	if r.UsualMemory <= 0 || s.Memory <= 0 {
		return r.Price
	}
	return r.Price * min(max(float64(s.Memory)/float64(r.UsualMemory), 1.0/8), 8)
}
