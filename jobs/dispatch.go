package jobs

import (
	"cmp"
	"context"
	"maps"
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

// claimsAtOnce is how many jobs one transaction claims at most.
const claimsAtOnce = 32

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
		if len(modules) == 0 {
			return next, nil
		}
		n, err := q.claim(ctx, attempts, modules, now, runs)
		if err != nil || n == 0 {
			return next, err
		}
	}
	return next, nil
}

// claim claims jobs and begins their attempts.
func (q *Queue) claim(ctx, attempts context.Context, modules []string, now time.Time, runs *sync.WaitGroup) (n int, err error) {
	q.claiming.Lock()
	defer q.claiming.Unlock()
	free := q.room(now)
	taken, err := q.db.ClaimCallJobs(ctx, store.Claims{Agent: q.agent, Now: now, Until: now.Add(q.opts.Lease),
		Next: func(taken []store.ClaimedJob) (store.Claim, bool) { return q.turn(free, modules, taken) }})
	if err != nil {
		return 0, err
	}
	for _, job := range taken {
		q.turns++
		q.served[service.ModuleKey(job.Module)] = q.turns
		r := q.begin(attempts, job)
		runs.Go(func() {
			defer poke(q.work)
			defer q.end(r)
			q.attempt(r)
		})
	}
	return len(taken), nil
}

// room is what the limits leave.
type room struct {
	total    int            // those that are being stored take room here only
	modules  map[string]int // attempts running
	payers   map[string]int // attempts running
	services []service.ID   // that are not to be tried now
}

func (q *Queue) room(now time.Time) room {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := room{total: q.opts.Running - len(q.running), modules: map[string]int{}, payers: map[string]int{}}
	if q.closed {
		r.total = 0
	}
	for _, run := range q.running {
		if run.over {
			continue
		}
		r.modules[service.ModuleKey(run.job.Module)]++
		r.payers[run.job.Payer]++
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

// turn says which job is next after some were taken into a room: one of the module
// with the fewest attempts running, and among those of the one that was served
// longest ago.
func (q *Queue) turn(free room, modules []string, taken []store.ClaimedJob) (c store.Claim, ok bool) {
	if len(taken) >= min(free.total, claimsAtOnce) {
		return c, false
	}
	running, payers, served := maps.Clone(free.modules), maps.Clone(free.payers), maps.Clone(q.served)
	for i, job := range taken {
		key := service.ModuleKey(job.Module)
		running[key]++
		payers[job.Payer]++
		served[key] = q.turns + 1 + i
	}
	for _, key := range modules {
		if running[key] < q.opts.ModuleRunning {
			c.Modules = append(c.Modules, key)
		}
	}
	slices.SortStableFunc(c.Modules, func(a, b string) int {
		return cmp.Or(cmp.Compare(running[a], running[b]), cmp.Compare(served[a], served[b]))
	})
	for payer, n := range payers {
		if n >= q.opts.CallerRunning {
			c.Payers = append(c.Payers, payer)
		}
	}
	c.Services = free.services
	return c, true
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
