package jobs

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const (
	unsentLimit    = 10 // attempts in which nothing was sent, before a job is given up
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
)

// attempt sends the call and stores what came of it.
func (q *Queue) attempt(r *run) {
	q.reached("claimed")
	out := q.files.spool(r.job.ID, r.job.Attempts)
	defer out.drop()
	v := q.try(r, out)
	q.reached("answered")
	if v.pause > 0 {
		q.pause(r.job.Service, time.Now().Add(v.pause))
	}
	q.settling(r)
	if err := q.settle(r, v); err != nil {
		q.log.Error("could not store what came of a job", "job", r.job.ID, "service", r.job.Service, "error", err)
	}
}

// verdict is what becomes of a job after an attempt.
type verdict struct {
	end     *store.JobEnd  // nil: it is tried again
	requeue *store.Requeue // nil: it has ended
	pause   time.Duration  // of all jobs of the service
}

func (q *Queue) try(r *run, out *spool) verdict {
	authorization, err := q.seal.open(r.job.ID, r.job.Secrets)
	if err != nil {
		return r.dead("its token cannot be read: the key beside the database was replaced")
	}
	call := service.JobCall{
		Job: r.job.ID, Service: r.job.Service, Module: r.job.Module, Method: r.job.Method,
		Params: r.job.Params, Authorization: string(authorization), Progress: q.progressURL(r),
		Sending: func(ctx context.Context) error { return q.sending(ctx, r) },
	}
	if r.job.Caller != "" {
		call.Caller = service.Caller{Name: r.job.Caller, Role: service.User}
	}
	answer, err := q.gw.Call(r.ctx, call, out)
	if err == nil && answer.Status != 0 && (answer.Sent || answer.After == 0) {
		var rep reply
		if rep, err = out.reply(); err == nil {
			return r.answered(rep)
		}
		err = notUnderstood(answer.Status, out.beginning(), err)
	} else if err == nil {
		err = errors.New("the instance is full")
	}
	if !answer.Sent {
		if r.sent {
			r.job.Sends-- // after all
		}
		return r.unsent(answer, err)
	}
	return q.cut(r, answer, err)
}

// sending has it on disk that the call may reach an instance, before it does.
func (q *Queue) sending(ctx context.Context, r *run) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !r.sent {
		if err := q.db.SendCallJob(ctx, r.job.ID, r.job.Attempts); err != nil {
			return err
		}
		r.sent = true
		r.job.Sends++
	}
	q.reached("sending")
	return nil
}

// answered is the verdict on an answer of the method.
func (r *run) answered(rep reply) verdict {
	end := &store.JobEnd{Attempt: r.job.Attempts, State: service.JobDone}
	if rep.fault != nil {
		end.State, end.Error, end.Reason = service.JobFailed, rep.fault, rep.fault.Message
		return verdict{end: end}
	}
	end.Result, end.File, end.Bytes = rep.result, rep.file, rep.bytes
	return verdict{end: end}
}

// unsent is the verdict on an attempt of which nothing arrived anywhere.
func (r *run) unsent(answer service.JobAnswer, err error) verdict {
	tries := r.job.Attempts - r.job.Sends
	switch {
	case errors.Is(err, service.ErrNotFound), errors.Is(err, service.ErrInvalid), errors.Is(err, service.ErrDenied):
		return r.dead(err.Error())
	case errors.Is(context.Cause(r.ctx), errStopping):
		return r.again(0, errStopping.Error(), true)
	case tries >= unsentLimit:
		return r.dead(err.Error())
	}
	v := r.again(max(backoff(tries), answer.After), err.Error(), true)
	v.pause = answer.After
	return v
}

// cut is the verdict on an attempt that was sent and not answered.
func (q *Queue) cut(r *run, answer service.JobAnswer, err error) verdict {
	if cause := context.Cause(r.ctx); cause != nil {
		err = cause
	}
	reason := err.Error()
	switch {
	case answer.Late:
		return r.dead(reason)
	case !r.job.Idempotent:
		return r.dead(reason + notAgain)
	case r.job.Sends >= q.opts.Attempts:
		return r.dead(reason)
	case errors.Is(err, errStopping):
		return r.again(0, reason, false)
	}
	return r.again(backoff(r.job.Sends), reason, false)
}

const notAgain = ". Whether the method ran is not known, and it is not declared idempotent, so it was not tried again"

func (r *run) dead(reason string) verdict {
	return verdict{end: &store.JobEnd{Attempt: r.job.Attempts, State: service.JobDead, Reason: reason,
		Error: &service.JobError{Code: codeServer, Message: reason}}}
}

func (r *run) again(after time.Duration, reason string, unsent bool) verdict {
	return verdict{requeue: &store.Requeue{Attempt: r.job.Attempts, Due: time.Now().Add(after), Reason: reason, Unsent: unsent}}
}

// backoff doubles with every try and is spread, so that jobs that failed
// together do not come again together.
func backoff(tries int) time.Duration {
	d := min(firstBackoff<<min(max(tries-1, 0), 20), longestBackoff)
	return d/2 + spread(d/2)
}

// settle stores a verdict. It tries for as long as the attempt may run: what an
// instance has done is not to be lost because the disk is full for a while.
func (q *Queue) settle(r *run, v verdict) error {
	store := func() error {
		// Also when the attempt was cut off.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), storeTimeout)
		defer cancel()
		if v.requeue != nil {
			return q.db.RequeueCallJob(ctx, r.job.ID, *v.requeue)
		}
		return q.db.FinishCallJob(ctx, r.job.ID, *v.end, time.Now())
	}
	for wait := firstBackoff; ; wait = min(2*wait, storeTimeout) {
		err := store()
		switch {
		case err == nil:
			q.reached("stored")
			q.report(r, v)
			return nil
		case lost(err):
			_ = os.Remove(q.files.result(r.job.ID, r.job.Attempts)) // or it is swept up at the next start
			return nil
		case errors.Is(context.Cause(r.ctx), errStopping):
			return err
		}
		q.log.Warn("could not store what came of a job; trying again", "job", r.job.ID, "error", err)
		pauseFor(r.ctx, wait)
	}
}

const storeTimeout = 10 * time.Second

func lost(err error) bool { return errors.Is(err, store.ErrLeaseLost) }

// pauseFor waits, or until the attempt is cut off.
func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// report tells the log and those who wait.
func (q *Queue) report(r *run, v verdict) {
	log := q.log.With("job", r.job.ID, "service", r.job.Service, "method", r.job.Method, "attempt", r.job.Attempts)
	switch {
	case v.requeue != nil:
		log.Debug("put a job back", "due", time.Until(v.requeue.Due).Round(time.Millisecond).String(), "reason", v.requeue.Reason)
	case v.end.State == service.JobDead:
		log.Warn("gave a job up", "reason", v.end.Reason)
	default:
		log.Debug("finished a job", "state", v.end.State)
	}
	if v.end != nil {
		poke(q.called)
	}
}

// progressURL is where the instance of an attempt may report.
func (q *Queue) progressURL(r *run) string {
	if q.opts.URL == "" {
		return ""
	}
	return strings.TrimRight(q.opts.URL, "/") + "/api/v1/jobs/" + url.PathEscape(r.job.ID) + "/progress/" + r.secret
}
