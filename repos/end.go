package repos

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

// finish stores how a registration ended. Who comes second, a worker or somebody who
// ended it, finds that it has.
func (r *Registrar) finish(ctx context.Context, t *task, err error) {
	r.mu.Lock()
	done := t.journal.finished
	t.journal.finished = true
	r.mu.Unlock()
	if done {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	t.pull.State, t.pull.Ended = store.PullDone, time.Now()
	if err != nil {
		t.pull.State, t.pull.Error = store.PullFailed, err.Error()
		fmt.Fprintf(t.journal, "failed: %v\n", err)
	}
	if err := r.db.SetPull(ctx, t.pull); err != nil {
		r.log.Error("could not store a registration", "registration", t.pull.ID, "error", err)
	}
	r.log.Info("ended a registration from git", "registration", t.pull.ID, "module", t.pull.Module, "service", t.pull.Service, "state", t.pull.State, "error", t.pull.Error)
	if err := t.journal.Close(); err != nil {
		r.log.Error("could not write the log of a registration", "registration", t.pull.ID, "error", err)
	}
	r.mu.Lock()
	delete(r.journals, t.pull.ID)
	r.mu.Unlock()
}

// endedError is why somebody ended a registration that was under way.
type endedError struct{ why error }

func (e *endedError) Error() string {
	if e.why == nil {
		return "ended by an admin"
	}
	return e.why.Error()
}

func (e *endedError) Unwrap() []error { return []error{e.why, context.Canceled} }

// End ends a registration that waits, is under way or stuck: as done, or as failed
// with the reason. One that has ended stays as it is, but for its state.
func (r *Registrar) End(ctx context.Context, id int64, why error) error {
	p, err := r.db.Pull(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	stop, j := r.running[id], r.journals[id]
	r.mu.Unlock()
	if stop != nil {
		stop(&endedError{why})
		return nil // its worker stores the end
	}
	if j != nil {
		r.finish(ctx, &task{pull: p, journal: j}, why)
		return nil
	}
	p.State, p.Error, p.Ended = store.PullDone, "", time.Now()
	if why != nil {
		p.State, p.Error = store.PullFailed, why.Error()
	}
	return r.db.SetPull(ctx, p)
}
