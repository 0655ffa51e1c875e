package scheduler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const (
	// measureEvery is how often instances are looked at, and the width of the
	// narrowest buckets of what is stored of that.
	measureEvery = 10 * time.Second
	// measureStale is from when on a measurement says nothing.
	measureStale = 3 * measureEvery
	// measureMost is how many instances are asked what they use in one round, and
	// measureSide how many at once. Where there are more, those that the count of
	// a service depends on come first, and then those that were not asked longest.
	measureMost = 200
	measureSide = 8
	// measureTimeout bounds the wait for one of them: a node may be gone.
	measureTimeout = 3 * time.Second
)

// sitting is one instance in a round of measuring.
type sitting struct {
	service.Vitals
	followed bool      // the count of its service follows the use of the processor
	running  bool      // its program runs
	asked    time.Time // when it was asked before; zero: never
	use      service.Use
	known    bool
}

// measure looks at all instances every ten seconds, until ctx ends: which there
// are, what Consul says of them, and what they use. It is stored, and what a
// service's instances use together goes into its next decision.
func (e *Engine) measure(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	asked := map[string]time.Time{}
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		states, fresh := e.cluster.States()
		if !fresh {
			last = now // what happened meanwhile is not known
			continue
		}
		round := e.sittings(states, last, now, asked)
		last = now
		e.askUse(ctx, round, now)
		asked = map[string]time.Time{}
		batch := make([]service.Vitals, len(round))
		for i := range round {
			s := &round[i]
			asked[s.Alloc] = s.asked
			if s.known {
				s.Saw(s.use, s.Time)
			}
			batch[i] = s.Vitals
		}
		e.noteUse(round, now)
		if err := e.db.AddVitals(ctx, batch); err != nil && ctx.Err() == nil {
			e.log.Warn("lost samples of instances", "samples", len(batch), "error", err)
		}
	}
}

// sittings are the instances that there were since the last round.
func (e *Engine) sittings(states []service.State, last, now time.Time, asked map[string]time.Time) []sitting {
	e.mu.Lock()
	defer e.mu.Unlock()
	var round []sitting
	for i := range states {
		st := &states[i]
		t, ok := e.services[st.ID]
		if !ok {
			continue
		}
		for j := range st.Endpoints {
			ep := &st.Endpoints[j]
			s := sitting{
				Vitals:   service.Vitals{Service: st.ID, Alloc: ep.Alloc, Start: now.Add(-time.Nanosecond).Truncate(measureEvery), Width: measureEvery},
				followed: t.scale.Target.CPUPercent > 0, running: ep.Running, asked: asked[ep.Alloc],
			}
			// A clock that was set forward did not make an hour of ten seconds.
			s.Time = min(max(0, now.Sub(latest(last, ep.Placed))), 2*measureEvery)
			switch ep.Check {
			case service.Passing:
				s.Passing = s.Time
			case service.Critical:
				s.Critical = s.Time
			}
			round = append(round, s)
		}
	}
	return round
}

// askUse asks what instances use, as many as one round may.
func (e *Engine) askUse(ctx context.Context, round []sitting, now time.Time) {
	if e.opts.Measure == nil {
		return
	}
	var list []*sitting
	for i := range round {
		if round[i].running {
			list = append(list, &round[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *sitting) int {
		return cmp.Or(boolInt(b.followed)-boolInt(a.followed), a.asked.Compare(b.asked))
	})
	var g errgroup.Group
	g.SetLimit(measureSide)
	for _, s := range list[:min(len(list), measureMost)] {
		s.asked = now
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, measureTimeout)
			defer cancel()
			use, err := e.opts.Measure(ctx, s.Alloc)
			if err != nil {
				e.log.Debug("could not measure an instance", "service", s.Service, "alloc", s.Alloc, "error", err)
				return nil
			}
			s.use, s.known = use, true
			return nil
		})
	}
	_ = g.Wait() // none of them returns an error
}

// noteUse adds up what the instances of each service use now. One that could
// not be asked makes the sum unknown, which is not 0.
func (e *Engine) noteUse(round []sitting, now time.Time) {
	sums, unknown := map[service.ID]used{}, map[service.ID]bool{}
	for i := range round {
		s := &round[i]
		switch {
		case !s.running:
		case !s.known:
			unknown[s.Service] = true
		default:
			u := sums[s.Service]
			sums[s.Service] = used{now, u.mhz + s.use.CPU, u.memory + float64(s.use.Memory)/(1<<20)}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, u := range sums {
		if t, ok := e.services[id]; ok && !unknown[id] {
			t.processor.add(u)
		}
	}
}

// recallUse takes up what was stored of the last minute, so that the engine
// knows what instances use as soon as it runs.
func (e *Engine) recallUse(ctx context.Context, now time.Time) error {
	list, err := e.db.Vitals(ctx, store.VitalsQuery{Since: now.Add(-e.opts.Rules.Stable), Until: now, Step: measureEvery, Allocs: true})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(list) > 0 {
		n := 1 // instances of the same service in the same bucket
		for n < len(list) && list[n].Service == list[0].Service && list[n].Start.Equal(list[0].Start) {
			n++
		}
		u, whole := used{at: list[0].Start.Add(measureEvery)}, true
		for i := range list[:n] {
			mean, ok := list[i].Mean()
			whole = whole && ok
			u.mhz, u.memory = u.mhz+mean.CPU, u.memory+float64(mean.Memory)/(1<<20)
		}
		if t, ok := e.services[list[0].Service]; ok && whole {
			t.processor.add(u)
		}
		list = list[n:]
	}
	return nil
}
