package jobs

import (
	"context"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// WaitLimit is how long [Queue.Wait] waits at most.
const WaitLimit = time.Minute

// waitersLimit bounds those who wait; who comes then is answered at once.
const waitersLimit = 10_000

// watches tells those who wait that a job changed.
type watches struct {
	mu      sync.Mutex // guards what follows
	chans   map[string]*watch
	waiters int
	closed  bool
}

type watch struct {
	changed chan struct{} // closed with the next change
	waiters int
}

// on returns what is closed with the next change of a job. It must be asked for
// before the job is looked at. It is nil where nobody may wait any more.
func (w *watches) on(id string) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.waiters >= waitersLimit {
		return nil
	}
	c := w.chans[id]
	if c == nil {
		c = &watch{changed: make(chan struct{})}
		w.chans[id] = c
	}
	c.waiters++
	w.waiters++
	return c
}

func (w *watches) off(id string, c *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.waiters--
	w.waiters--
	if c.waiters == 0 && w.chans[id] == c {
		delete(w.chans, id)
	}
}

func (w *watches) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.chans[id]; c != nil {
		close(c.changed)
		delete(w.chans, id)
	}
}

func (w *watches) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for id, c := range w.chans {
		close(c.changed)
		delete(w.chans, id)
	}
}

// Job returns a job as it is now, with what its method reported last.
func (q *Queue) Job(ctx context.Context, id string) (service.CallJob, error) {
	job, err := q.db.CallJob(ctx, id)
	if err != nil {
		return job, err
	}
	if r := q.runOf(id); r != nil && job.State == service.JobRunning && r.job.Attempts == job.Attempts {
		job.Progress, job.Message = r.said()
	}
	return job, nil
}

// Wait returns a job once it changes or is finished, or after limit as it is.
func (q *Queue) Wait(ctx context.Context, id string, limit time.Duration) (service.CallJob, error) {
	if limit <= 0 {
		return q.Job(ctx, id)
	}
	w := q.watches.on(id)
	if w == nil {
		return q.Job(ctx, id)
	}
	defer q.watches.off(id, w)
	job, err := q.Job(ctx, id)
	if err != nil || job.State.Finished() {
		return job, err
	}
	timer := time.NewTimer(min(limit, WaitLimit))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return job, ctx.Err()
	case <-timer.C:
	case <-w.changed:
	}
	return q.Job(ctx, id)
}
