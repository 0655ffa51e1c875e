package simulation

import (
	"math"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// Options of a replay.
type Options struct {
	Start    time.Duration // from an instance's start to its first answer; 0: no call waits for it
	Series   bool          // keep the minutes
	Services bool          // keep what each service got
}

// replay is one trace under one policy.
type replay struct {
	trace  *Trace
	policy *Policy
	opts   Options
	peer   peer
	model  *forecast.Model
	floors func(time.Time) []scheduler.Floor

	state []state          // by service of the trace
	known []int            // services that are looked at, in the order in which they came
	views []scheduler.View // of known
	byID  map[service.ID]int
	waits waits
	odds  odds
}

// state is one service during a replay.
type state struct {
	next    int  // of the service's Calls
	last    int  // minute of the last calls; -1: none
	view    int  // place in views; -1: not looked at yet
	ahead   bool // the instance was started ahead, and nobody has called yet
	backlog float64
	peaks   [5]int // instances that load asked for, in the last minutes
	learner scheduler.Learner
	usage   Usage
}

// Replay tries a policy on a trace.
func Replay(t *Trace, p Policy, o Options) (*Result, error) {
	floors, err := scheduler.Floors(p.Scale.Windows)
	if err != nil {
		return nil, err
	}
	r := &replay{trace: t, policy: &p, opts: o, floors: floors, state: make([]state, len(t.Services)), byID: map[service.ID]int{}}
	switch {
	case p.peer != nil:
		r.peer = p.peer(len(t.Services))
	case p.Rules.Price > 0:
		r.model = forecast.New()
	}
	for i := range r.state {
		r.state[i].last, r.state[i].view = -1, -1
		if p.Scale.Min > 0 || len(p.Scale.Windows) > 0 {
			r.look(i)
		}
	}
	result := &Result{Name: p.Name, Price: p.Rules.Price}
	for minute := range t.Minutes {
		m := r.minute(minute)
		if o.Series {
			result.Series = append(result.Series, m)
		}
	}
	for i := range r.state {
		s := &r.state[i]
		if s.ahead {
			s.usage.Unused++
		}
		s.usage.MemoryMinutes = float64(s.usage.InstanceMinutes) * float64(t.Services[i].Memory)
		result.add(&s.usage)
		if o.Services {
			result.Services = append(result.Services, Share{t.Services[i].Name, s.usage})
		}
	}
	result.Wait, result.odds = r.waits.summary(result.Calls), r.odds
	return result, nil
}

// look makes a service one that is decided on, from now on.
func (r *replay) look(i int) {
	s := &r.trace.Services[i]
	r.state[i].view = len(r.views)
	r.known = append(r.known, i)
	r.byID[service.ID(s.Name)] = i
	r.views = append(r.views, scheduler.View{
		ID: service.ID(s.Name), Scale: r.policy.Scale, Fresh: true,
		Instance: scheduler.Size{Memory: s.Memory},
	})
}

// minute decides at the beginning of a minute, and then lets its calls come.
func (r *replay) minute(minute int) (m Moment) {
	now := r.trace.Start.Add(time.Duration(minute) * time.Minute)
	r.observe(now)
	if r.peer != nil {
		for at, i := range r.known {
			if s := &r.state[i]; s.last >= 0 {
				v := &r.views[at]
				r.set(i, max(r.peer.count(i, v, minute-s.last), r.policy.Scale.Min), service.KindPrewarm, now)
			}
		}
	} else {
		r.decide(now)
	}
	for i := range r.state {
		s := &r.state[i]
		var calls int64
		if list := r.trace.Services[i].Calls; s.next < len(list) && int(list[s.next].Minute) == minute {
			calls = int64(list[s.next].Number)
			s.next++
		}
		if calls == 0 && s.view < 0 {
			continue
		}
		cold := s.usage.ColdStarts
		if s.view >= 0 {
			m.Ready += int64(r.views[s.view].Count)
		}
		r.serve(i, minute, now, calls)
		m.Calls += calls
		m.ColdStarts += s.usage.ColdStarts - cold
		m.Instances += int64(r.views[s.view].Count)
	}
	return m
}

// observe brings the views up to date, as an engine does before it decides.
func (r *replay) observe(now time.Time) {
	floors := r.floors(now)
	rules := &r.policy.Rules
	for at, i := range r.known {
		s, v := &r.state[i], &r.views[at]
		v.Floors = floors
		if r.model == nil || s.last < 0 {
			continue
		}
		v.Habit = s.learner.Habit(r.model, scheduler.Question{Now: now, Price: rules.PriceOf(&v.Scale, v.Instance), Least: rules.LeastKnown, Up: v.Count > 0})
	}
}

func (r *replay) decide(now time.Time) {
	for _, d := range scheduler.Decide(scheduler.Snapshot{Now: now, Rules: r.policy.Rules, Services: r.views}) {
		r.set(r.byID[d.Service], d.To, d.Kind, now)
	}
}

// set makes a count of a decision true, at once.
func (r *replay) set(i, count int, kind service.Kind, now time.Time) {
	s, v := &r.state[i], &r.views[r.state[i].view]
	if count == v.Count {
		return
	}
	s.usage.Changes++
	switch {
	case v.Count == 0:
		s.usage.Starts++
		v.ReadySince = now
		if kind == service.KindPrewarm {
			s.usage.Prewarms++
			s.ahead = true
		}
	case count == 0:
		v.ReadySince = time.Time{}
		if s.ahead {
			s.usage.Unused++
			s.ahead = false
		}
	}
	if count > v.Count {
		s.usage.InstanceMinutes += int64(count - v.Count)
		v.Raised = now
	}
	v.Count, v.Ready, v.Changed = count, count, now
}

// serve lets the calls of a minute come to a service, and counts the minute.
func (r *replay) serve(i, minute int, now time.Time, calls int64) {
	s, service := &r.state[i], &r.trace.Services[i]
	if s.view < 0 {
		r.look(i)
	}
	v := &r.views[s.view]
	if v.Habit != nil {
		r.odds.add(v.Habit.Hazard*r.policy.Rules.Price/r.policy.Rules.PriceOf(&v.Scale, v.Instance), calls > 0)
	}
	if calls > 0 {
		s.usage.Calls += calls
		if v.Count == 0 {
			r.wake(i, now, calls)
		}
		s.ahead = false
		v.LastBusy = now
	}
	if r.policy.Scale.Max > 1 && service.Run > 0 {
		r.load(i, now, calls)
	}
	s.usage.InstanceMinutes += int64(v.Count)
	s.usage.UpMinutes += int64(v.Count)
	if calls == 0 && s.last < 0 {
		return
	}
	if r.model != nil {
		r.model.Learn(&s.learner.History, scheduler.MinuteOf(now), calls > 0)
	}
	if calls > 0 {
		if r.peer != nil {
			age := 0
			if s.last >= 0 {
				age = minute - s.last
			}
			r.peer.called(i, age)
		}
		s.last = minute
	}
}

// wake starts a service cold. Its calls come evenly over the minute, and those
// that come while it starts wait for the rest of the start.
func (r *replay) wake(i int, now time.Time, calls int64) {
	s := &r.state[i]
	r.set(i, max(1, r.policy.Scale.Min), service.KindWake, now)
	s.usage.ColdStarts++
	if r.opts.Start <= 0 {
		return
	}
	waiting := 1 + int64(float64(calls-1)*min(1, r.opts.Start.Minutes()))
	s.usage.Waited += waiting
	const steps = 32
	for step := range int64(steps) {
		// Integers share the calls out without a rest.
		share := waiting*(step+1)/steps - waiting*step/steps
		left := float64(r.opts.Start) * (1 - float64(step)/steps)
		if waiting == 1 {
			share, left = boolInt(step == 0), float64(r.opts.Start)
		}
		r.waits.add(share, time.Duration(left))
	}
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// load models calls in flight where there may be more than one instance: within
// the minute the count follows, as an engine's does within seconds, and what the
// instances cannot take waits.
func (r *replay) load(i int, now time.Time, calls int64) {
	s, v, run := &r.state[i], &r.views[r.state[i].view], r.trace.Services[i].Run
	demand := (float64(calls) + s.backlog) * run.Minutes()
	room := float64(v.Count * r.policy.Scale.MaxConcurrency)
	v.Stable, v.Panic, v.InFlight = demand, demand, int(math.Round(min(demand, room)))
	if calls > 0 {
		if n := r.follow(i, now); n > v.Count {
			late := max(0, demand-room) / demand * min(1, r.opts.Start.Minutes()) * float64(calls)
			r.waits.add(int64(late), r.opts.Start/2)
			s.usage.Waited += int64(late)
			r.set(i, n, service.KindLoad, now)
		}
	}
	room = float64(v.Count*r.policy.Scale.MaxConcurrency) / run.Minutes() // calls a minute
	before := s.backlog
	s.backlog = max(0, before+float64(calls)-room)
	if s.backlog+before > 0 && room > 0 {
		r.waits.add(calls, time.Duration((before+s.backlog)/2/room*float64(time.Minute)))
		s.usage.Waited += calls
	}
	v.Queued = int(s.backlog)
	s.peaks[now.Minute()%len(s.peaks)] = int(math.Ceil(demand / (float64(r.policy.Scale.Concurrency) * r.policy.Rules.Utilisation)))
	v.Peak = slices.Max(s.peaks[:])
}

// follow is the count that the policy comes to when it sees the minute's calls.
func (r *replay) follow(i int, now time.Time) int {
	v := r.views[r.state[i].view]
	if r.peer != nil {
		return r.peer.count(i, &v, 0)
	}
	v.ReadySince = now.Add(-time.Hour) // the calls of a start are over
	for _, d := range scheduler.Decide(scheduler.Snapshot{Now: now.Add(time.Minute / 2), Rules: r.policy.Rules, Services: []scheduler.View{v}}) {
		return d.To
	}
	return v.Count
}
