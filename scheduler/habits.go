package scheduler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// habits learns when services are called, a minute at a time, from what the
// gateway sees. Engine.mu guards it.
type habits struct {
	model   *forecast.Model
	watched int64 // the minute that is going on; 0: none yet
}

const (
	// startLead is how long before a minute an instance is started for it.
	startLead = 5 * time.Second
	// lookAhead is how many minutes ahead a reason says when a service is warm again.
	lookAhead = 60
	// mostMissed is how many minutes without a tick are taken to be without calls;
	// more were not watched.
	mostMissed = 1
	// clockShift is how far a clock may be set back before what was learnt is
	// forgotten: until it has caught up, nothing is learnt.
	clockShift = 60
)

// watch notes who is called, and learns from the minutes that are over. Engine.mu
// is held.
func (e *Engine) watch(loads map[service.ID]service.Load, now time.Time) {
	minute := MinuteOf(now)
	if e.habits.watched == 0 {
		e.habits.watched = minute
	}
	e.mark(loads, minute)
	switch ahead := minute - e.habits.watched; {
	case ahead > 0:
		for _, t := range e.services {
			e.learn(t, minute)
		}
		e.habits.watched = minute
		e.mark(loads, minute)
	case ahead < -clockShift:
		for _, t := range e.services {
			t.learner, t.called = nil, false
		}
		e.habits.watched = minute
	}
}

// mark notes the services that are called in the minute that is watched. Calls
// that are there now are in this minute: where that is the next one already, as at
// the first tick of each, they may have come with it, as a clock's do.
func (e *Engine) mark(loads map[service.ID]service.Load, minute int64) {
	for id, l := range loads {
		t, ok := e.services[id]
		now := l.InFlight+l.Queued > 0 && minute == e.habits.watched
		if !ok || !now && (l.LastBusy.IsZero() || MinuteOf(l.LastBusy) != e.habits.watched) {
			continue
		}
		if t.called = true; t.learner == nil {
			t.learner = &Learner{}
		}
	}
}

// learn tells of the minutes before this one.
func (e *Engine) learn(t *tracked, minute int64) {
	if t.learner == nil {
		return
	}
	e.habits.model.Learn(&t.learner.History, e.habits.watched, t.called)
	t.called = false
	missed := minute - 1 - e.habits.watched
	if missed > mostMissed {
		t.learner.History.Lost(minute - 1)
		return
	}
	for m := e.habits.watched + 1; m < minute; m++ {
		e.habits.model.Learn(&t.learner.History, m, false)
	}
}

// habit is what is known of a service for a decision now; nil: too little.
// Engine.mu is held.
func (e *Engine) habit(t *tracked, now time.Time) *Habit {
	r := &e.opts.Rules
	price := r.PriceOf(&t.scale, t.instance)
	if t.learner == nil || price <= 0 {
		return nil
	}
	h := t.learner.Habit(e.habits.model, Question{Now: now, Lead: startLead, Price: price, Least: r.LeastKnown, Up: t.count > 0})
	if h != nil && t.count > 0 && h.Hazard <= price {
		t.learner.Look(e.habits.model, now, price, lookAhead)
	}
	return h
}

// expects says for when an instance is to be started ahead of a call, of a service
// that has none. Engine.mu is held.
func (e *Engine) expects(t *tracked, now time.Time) string {
	r := &e.opts.Rules
	price := r.PriceOf(&t.scale, t.instance)
	if t.count > 0 || price <= 0 || e.habit(t, now) == nil {
		return ""
	}
	at, why, ok := t.learner.Due(e.habits.model, now, price, price*r.StartCost, lookAhead)
	if !ok {
		return ""
	}
	return fmt.Sprintf("; %s: one is to be there at %s", why, clock(at))
}

// comes reports whether habits might start a service that has no instance.
func (e *Engine) comes(t *tracked, h *Habit) bool {
	return h != nil && h.Coming() > e.opts.Rules.PriceOf(&t.scale, t.instance)/2
}

// recalled is how much of the past is learnt from after a start, and at how many
// services at once.
const (
	recalled      = 25 * time.Hour
	recalledAtOne = 200
)

// recall learns from the usage that is stored, so that habits outlast a restart.
// What came after the last usage was not watched.
func (e *Engine) recall(ctx context.Context, now time.Time) error {
	e.mu.Lock()
	ids := slices.Sorted(maps.Keys(e.services))
	e.mu.Unlock()
	for part := range slices.Chunk(ids, recalledAtOne) {
		list, err := e.db.Usage(ctx, store.UsageQuery{Services: part, Since: now.Add(-recalled), Until: now, Step: time.Minute})
		if err != nil {
			return err
		}
		e.mu.Lock()
		e.relearn(list, MinuteOf(now))
		e.mu.Unlock()
	}
	return nil
}

// relearn tells of stored usage, in order of its start. Engine.mu is held.
func (e *Engine) relearn(list []service.Sample, until int64) {
	var of []*tracked // that were called so far
	for len(list) > 0 {
		minute := MinuteOf(list[0].Start)
		n := 0
		for ; n < len(list) && MinuteOf(list[n].Start) == minute; n++ {
			s := &list[n]
			t, ok := e.services[s.Service]
			if !ok || s.Calls == 0 && s.Busy == 0 {
				continue
			}
			if t.called = true; t.learner == nil {
				t.learner = &Learner{}
				of = append(of, t)
			}
		}
		list = list[n:]
		next := until
		if len(list) > 0 {
			next = MinuteOf(list[0].Start)
		}
		for _, t := range of {
			e.habits.model.Learn(&t.learner.History, minute, t.called)
			t.called = false
			if len(list) == 0 {
				t.learner.History.Lost(next - 1)
				continue
			}
			for m := minute + 1; m < next; m++ {
				e.habits.model.Learn(&t.learner.History, m, false)
			}
		}
	}
}
