package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

const leftReason = "the agent died during the attempt"

// takeOver settles the jobs that run although the leases of their agents ended
// before now.
func (q *Queue) takeOver(ctx context.Context, now time.Time) error {
	left, err := q.db.LeftCallJobs(ctx, now)
	if err != nil {
		return err
	}
	for _, l := range left {
		if q.runOf(l.ID) != nil {
			continue // our own, whose lease could not be renewed
		}
		if err := q.inherit(ctx, l); err != nil && !lost(err) {
			return err
		}
	}
	return nil
}

// inherit settles one of them.
func (q *Queue) inherit(ctx context.Context, l store.LeftJob) error {
	r := &run{job: store.ClaimedJob{CallJob: l.CallJob}}
	var v verdict
	switch {
	case !l.Sent && l.Attempts-l.Sends >= unsentLimit: // perhaps it is the job that kills agents
		v = r.dead(leftReason)
	case !l.Sent:
		v = r.again(0, leftReason, false)
	case !l.Idempotent:
		v = r.dead(leftReason + notAgain)
	case l.Sends >= q.opts.Attempts:
		v = r.dead(leftReason)
	default:
		v = r.again(backoff(l.Sends), leftReason, false)
	}
	var err error
	if v.requeue != nil {
		err = q.db.RequeueCallJob(ctx, l.ID, *v.requeue)
	} else {
		err = q.db.FinishCallJob(ctx, l.ID, *v.end, time.Now())
	}
	if err != nil {
		return err
	}
	q.log.Info("took over a job whose agent is gone", "job", l.ID, "service", l.Service, "sent", l.Sent, "dead", v.end != nil)
	q.watches.tell(l.ID)
	poke(q.work)
	poke(q.called)
	return nil
}

// retain deletes finished jobs that are too old or too many.
func (q *Queue) retain(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := q.forget(ctx, time.Now()); err != nil && ctx.Err() == nil {
			q.log.Warn("could not delete old jobs", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// forgetBatch is how many jobs are deleted in one transaction.
const forgetBatch = 500

func (q *Queue) forget(ctx context.Context, now time.Time) error {
	for {
		ids, err := q.db.PruneCallJobs(ctx, store.JobRetention{Before: now.Add(-q.opts.Keep), Bytes: q.opts.KeepBytes, Limit: forgetBatch})
		if err != nil {
			return err
		}
		var faults []error
		for _, id := range ids {
			faults = append(faults, q.files.remove(id))
		}
		if err := errors.Join(faults...); err != nil {
			return err
		}
		if len(ids) < forgetBatch {
			return nil
		}
	}
}
