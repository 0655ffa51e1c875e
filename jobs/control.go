package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Cancel ends a job that is not finished, and its attempt with it. A finished
// one stays as it is.
func (q *Queue) Cancel(ctx context.Context, id, who string) (service.CallJob, error) {
	job, changed, err := q.db.CancelCallJob(ctx, id, who, time.Now())
	if err != nil || !changed {
		return job, err
	}
	q.claiming.Lock() // or it was just claimed, and has not begun
	r := q.runOf(id)
	q.claiming.Unlock()
	if r != nil {
		r.cancel(errCancelled)
	}
	q.watches.tell(id)
	poke(q.called)
	q.log.Info("cancelled a job", "job", id, "service", job.Service, "by", who)
	return job, nil
}

// Redrive sends a dead job back to be tried as if it never had been.
func (q *Queue) Redrive(ctx context.Context, id, who string) (service.CallJob, error) {
	job, err := q.db.RedriveCallJob(ctx, id, who, time.Now())
	if err != nil {
		return job, err
	}
	q.watches.tell(id)
	poke(q.work)
	q.log.Info("sent a dead job back", "job", id, "service", job.Service, "by", who)
	return job, nil
}

// Look returns a job if the caller may see it, and the result of a done one,
// to be closed. To others than its caller and admins a job is not there.
func (q *Queue) Look(ctx context.Context, id string, c service.Caller) (service.CallJob, io.ReadCloser, error) {
	job, err := q.Visible(ctx, id, c)
	if err != nil || job.State != service.JobDone {
		return job, nil, err
	}
	result, err := q.Result(ctx, id)
	return job, result, err
}

// Visible is Job for a caller who may see it. A job of nobody known is seen by
// whoever knows its id, which cannot be guessed.
func (q *Queue) Visible(ctx context.Context, id string, c service.Caller) (service.CallJob, error) {
	job, err := q.Job(ctx, id)
	if err == nil && !c.IsAdmin() && job.Caller != "" && job.Caller != c.Name {
		return service.CallJob{}, service.Errorf(service.ErrNotFound, "there is no call job %.64q of yours", id)
	}
	return job, err
}

// List returns jobs, the newest first.
func (q *Queue) List(ctx context.Context, f store.JobFilter) ([]store.ListedJob, error) {
	return q.db.CallJobs(ctx, f)
}

// Result opens the result of a done job. The caller closes it.
func (q *Queue) Result(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	job, err := q.db.CallJob(ctx, id)
	if err != nil {
		return nil, err
	}
	text, file, err := q.db.CallJobResult(ctx, id)
	if err != nil {
		return nil, err
	}
	if !file {
		return inMemory{strings.NewReader(string(text))}, nil
	}
	f, err := os.Open(q.files.result(id, job.Attempts))
	if errors.Is(err, os.ErrNotExist) {
		return nil, service.Errorf(service.ErrNotFound, "the result of call job %s is gone: its file was deleted", id)
	}
	if err != nil {
		return nil, fmt.Errorf("open the result of call job %s: %w", id, err)
	}
	return f, nil
}

type inMemory struct{ *strings.Reader }

func (inMemory) Close() error { return nil }

func notFound(err error) bool { return errors.Is(err, service.ErrNotFound) }
