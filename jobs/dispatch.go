package jobs

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// sweep is how often due jobs are looked for when nothing says that there are.
const sweep = time.Second

// dispatch begins attempts until ctx ends. They run under attempts, and runs
// waits for them.
func (q *Queue) dispatch(ctx, attempts context.Context, runs *sync.WaitGroup) {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		next, err := q.fillUp(ctx, attempts, runs)
		if err != nil && ctx.Err() == nil {
			q.log.Warn("could not claim jobs", "error", err)
		}
		var due <-chan time.Time
		var timer *time.Timer
		if wait := time.Until(next); !next.IsZero() && wait < sweep {
			timer = time.NewTimer(max(wait, 0))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-q.work:
		case <-due:
		case <-tick.C:
			if err := q.takeOver(ctx, time.Now()); err != nil && ctx.Err() == nil {
				q.log.Warn("could not take over jobs whose agent is gone", "error", err)
			}
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// fillUp claims jobs as long as there are any that may run, and says when the
// next one is due.
func (q *Queue) fillUp(ctx, attempts context.Context, runs *sync.WaitGroup) (next time.Time, err error) {
	for ctx.Err() == nil {
		now := time.Now()
		if q.room(now).total <= 0 {
			return next, nil // an attempt that ends looks again
		}
		modules, due, err := q.db.QueuedModules(ctx, now)
		if err != nil {
			return next, err
		}
		next = due
		job, ok, err := q.claim(ctx, modules, now)
		if err != nil || !ok {
			return next, err
		}
		r := q.begin(attempts, job)
		runs.Go(func() {
			defer poke(q.work)
			defer q.end(r)
			q.attempt(r)
		})
	}
	return next, nil
}

// room is what the limits leave.
type room struct {
	total    int
	modules  map[string]int // attempts running
	payers   []string       // who have enough
	services []service.ID   // that are not to be tried now
}

func (q *Queue) room(now time.Time) room {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := room{total: q.opts.Running - len(q.running), modules: map[string]int{}, payers: []string{}, services: []service.ID{}}
	if q.closed {
		r.total = 0
	}
	payers := map[string]int{}
	for _, run := range q.running {
		r.modules[service.ModuleKey(run.job.Module)]++
		payers[run.job.Payer]++
	}
	for payer, n := range payers {
		if n >= q.opts.CallerRunning {
			r.payers = append(r.payers, payer)
		}
	}
	for id, until := range q.paused {
		if until.After(now) {
			r.services = append(r.services, id)
		} else {
			delete(q.paused, id)
		}
	}
	return r
}

// claim takes the next job: of the module with the fewest attempts running,
// and among those of the one that was served longest ago.
func (q *Queue) claim(ctx context.Context, modules []string, now time.Time) (job store.ClaimedJob, ok bool, err error) {
	r := q.room(now)
	q.mu.Lock()
	slices.SortStableFunc(modules, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.modules[a], r.modules[b]), cmp.Compare(q.turns[a], q.turns[b]))
	})
	q.mu.Unlock()
	for _, module := range modules {
		if r.modules[module] >= q.opts.ModuleRunning {
			break // and so have all that follow
		}
		job, ok, err = q.db.ClaimCallJob(ctx, store.Claim{Agent: q.agent, Module: module, Payers: r.payers, Services: r.services,
			Now: now, Until: now.Add(q.opts.Lease)})
		if err != nil {
			return job, false, err
		}
		if ok {
			q.mu.Lock()
			q.turn++
			q.turns[module] = q.turn
			q.mu.Unlock()
			return job, true, nil
		}
	}
	return job, false, nil
}

// pause leaves the jobs of a service alone for a while: what refused one of
// them would refuse the others.
func (q *Queue) pause(id service.ID, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until.After(q.paused[id]) {
		q.paused[id] = until
	}
}
