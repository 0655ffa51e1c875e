package jobs

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

// run is one attempt as long as it runs.
type run struct {
	job    store.ClaimedJob
	secret string          // who knows it may report progress
	ctx    context.Context //nolint:containedctx // the attempt's own, from begin to end
	cancel context.CancelCauseFunc
	sent   bool // it is on disk that the call may have reached an instance
	over   bool // the call is, and what came of it is being stored; guarded by Queue.mu

	mu       sync.Mutex // guards what follows
	progress *float64
	message  *string
}

// begin makes a claimed job one that runs.
func (q *Queue) begin(ctx context.Context, job store.ClaimedJob) *run {
	r := &run{job: job, secret: rand.Text(), sent: job.Idempotent}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	q.mu.Lock()
	q.running[job.ID] = r
	q.mu.Unlock()
	q.watches.tell(job.ID)
	return r
}

// settling lets the next job of the module and the caller begin while what came of
// this one is written: with luck the same transaction claims that one.
func (q *Queue) settling(r *run) {
	q.mu.Lock()
	r.over = true
	q.mu.Unlock()
	poke(q.work)
}

func (q *Queue) end(r *run) {
	r.cancel(nil)
	q.mu.Lock()
	if q.running[r.job.ID] == r {
		delete(q.running, r.job.ID)
	}
	q.mu.Unlock()
	q.watches.tell(r.job.ID)
}

// runOf returns the attempt of a job that runs here.
func (q *Queue) runOf(id string) *run {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running[id]
}

// beat renews the leases of what runs here, and stores its progress with them.
func (q *Queue) beat(ctx context.Context) {
	tick := time.NewTicker(q.opts.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := q.renew(ctx); err != nil && ctx.Err() == nil {
			q.log.Warn("could not renew the leases of jobs", "error", err)
		}
	}
}

func (q *Queue) renew(ctx context.Context) error {
	var beats []store.Beat
	runs := map[string]*run{}
	q.mu.Lock()
	for id, r := range q.running {
		runs[id] = r
		progress, message := r.said()
		beats = append(beats, store.Beat{ID: id, Attempt: r.job.Attempts, Progress: progress, Message: message})
	}
	q.mu.Unlock()
	if len(beats) == 0 {
		return nil
	}
	lost, err := q.db.RenewCallJobs(ctx, beats, time.Now().Add(q.opts.Lease))
	if err != nil {
		return err
	}
	for _, id := range lost {
		runs[id].cancel(errLost) // or it ended at this moment
	}
	return nil
}

// said is what the method reported last.
func (r *run) said() (progress *float64, message *string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress, r.message
}
