package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// NewCallJob is a call job to be stored.
type NewCallJob struct {
	// Job needs its id, service and method, and may have a caller. A zero
	// Submitted is now.
	Job     service.CallJob
	Payer   string // whom limits count it for
	Params  []byte
	Secrets []byte // sealed; nil: none

	Key    string // the caller's Idempotency-Key; empty: none
	Digest []byte // of what the key was used for

	CallbackURL    string // empty: none
	CallbackSecret []byte // sealed

	// Limits on what is not finished; 0: none.
	ModuleLimit int // queued, of the module
	PayerLimit  int // queued or running, of the payer
}

// JobLimitError refuses a call job because there are too many.
type JobLimitError struct {
	Caller bool // it is the caller who has too many, not the module
	Named  bool // and it has a name
	Limit  int
}

func (e *JobLimitError) Error() string {
	if e.Caller && !e.Named {
		return fmt.Sprintf("your address has %d call jobs that are not finished, which is all that it may have: wait for some of them, or send a token, for callers with a name have limits of their own", e.Limit)
	}
	if e.Caller {
		return fmt.Sprintf("you have %d call jobs that are not finished, which is all you may have: wait for some of them", e.Limit)
	}
	return fmt.Sprintf("the module has %d call jobs queued, which is all it may have: try again later", e.Limit)
}

// Is makes it one of kind [service.ErrLimited] where it is the caller's doing,
// else [service.ErrUnavailable].
func (e *JobLimitError) Is(target error) bool {
	if e.Caller {
		return target == service.ErrLimited
	}
	return target == service.ErrUnavailable
}

// AddCallJob stores a job as queued. Where the caller used the key before, the
// job of that time is returned and isNew is false; it is ErrConflict if
// something else was submitted then.
func (db *DB) AddCallJob(ctx context.Context, n NewCallJob) (job service.CallJob, isNew bool, err error) {
	submitted := orNow(n.Job.Submitted)
	err = db.write(ctx, "add call job "+n.Job.ID, func(ctx context.Context, tx *sql.Tx) error {
		isNew = false
		if n.Key != "" {
			earlier, ok, err := keyedJob(ctx, tx, n)
			if err != nil || ok {
				job = earlier
				return err
			}
		}
		seq, err := db.seq(ctx, tx, n.Job.Service)
		if err != nil {
			return err
		}
		if err := checkJobLimits(ctx, tx, n); err != nil {
			return err
		}
		const insert = `INSERT INTO call_jobs
			(id, version, module, method, caller, payer, idempotent, idem_key, idem_digest, state, submitted_ms, due_ms)
			VALUES (?, ?, (SELECT module FROM versions WHERE seq = ?), ?, ?, ?, ?, ?, ?, 'queued', ?, ?) RETURNING seq`
		key, digest := any(nil), any(nil)
		if n.Key != "" {
			key, digest = n.Key, n.Digest
		}
		var number int64
		if err := tx.QueryRowContext(ctx, insert, n.Job.ID, seq, seq, n.Job.Method, n.Job.Caller, n.Payer, n.Job.Idempotent, key, digest,
			millis(submitted), millis(submitted)).Scan(&number); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO call_job_inputs (job, params, secrets) VALUES (?, ?, ?)`,
			number, n.Params, n.Secrets); err != nil {
			return err
		}
		if n.CallbackURL != "" {
			const callback = `INSERT INTO call_job_callbacks (job, url, secret, state) VALUES (?, ?, ?, 'waiting')`
			if _, err := tx.ExecContext(ctx, callback, number, n.CallbackURL, n.CallbackSecret); err != nil {
				return err
			}
		}
		isNew = true
		job, err = oneJob(ctx, tx, n.Job.ID)
		return err
	})
	return job, isNew && err == nil, err
}

// keyedJob finds the job that the caller's key stands for.
func keyedJob(ctx context.Context, tx *sql.Tx, n NewCallJob) (job service.CallJob, ok bool, err error) {
	var id string
	var digest []byte
	err = tx.QueryRowContext(ctx, `SELECT id, idem_digest FROM call_jobs WHERE caller = ? AND idem_key = ?`,
		n.Job.Caller, n.Key).Scan(&id, &digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return job, false, nil
	case err != nil:
		return job, false, err
	case !bytes.Equal(digest, n.Digest):
		return job, false, service.Errorf(service.ErrConflict,
			"the Idempotency-Key was used for call job %s, which is another call: use a new key for each call", id)
	}
	job, err = oneJob(ctx, tx, id)
	return job, true, err
}

func checkJobLimits(ctx context.Context, tx *sql.Tx, n NewCallJob) error {
	count := func(limit int, where string, arg any) (full bool, err error) {
		if limit <= 0 {
			return false, nil
		}
		// No more rows are looked at than matter.
		query := `SELECT count(*) FROM (SELECT 1 FROM call_jobs WHERE ` + where + ` LIMIT ?)`
		var have int
		err = tx.QueryRowContext(ctx, query, arg, limit).Scan(&have)
		return have >= limit, err
	}
	full, err := count(n.PayerLimit, `payer = ? AND state IN ('queued', 'running')`, n.Payer)
	if err != nil {
		return err
	}
	if full {
		return &JobLimitError{Caller: true, Named: n.Job.Caller != "", Limit: n.PayerLimit}
	}
	full, err = count(n.ModuleLimit, `module = ? AND state = 'queued'`, service.ModuleKey(n.Job.Module))
	if err != nil {
		return err
	}
	if full {
		return &JobLimitError{Limit: n.ModuleLimit}
	}
	return nil
}

const selectJob = `SELECT j.id, j.state, v.module, v.id, v.semver, j.method, j.caller, j.idempotent, j.progress, j.message, j.attempts, j.sends,
	j.reason, j.submitted_ms, j.due_ms, j.started_ms, j.finished_ms, j.error, j.result_bytes,
	c.url, c.state, c.attempts, c.error, m.name, j.seq
	FROM call_jobs j JOIN versions v ON v.seq = j.version JOIN modules m ON m.key = v.module
	LEFT JOIN call_job_callbacks c ON c.job = j.seq `

// CallJob returns a job by its id.
func (db *DB) CallJob(ctx context.Context, id string) (job service.CallJob, err error) {
	err = db.read(ctx, "read call job "+id, func(tx *sql.Tx) error {
		job, err = oneJob(ctx, tx, id)
		return err
	})
	return job, err
}

func oneJob(ctx context.Context, tx *sql.Tx, id string) (service.CallJob, error) {
	rows, err := tx.QueryContext(ctx, selectJob+`WHERE j.id = ?`, id)
	all, err := collect(rows, err, scanJob)
	switch {
	case err != nil:
		return service.CallJob{}, err
	case len(all) == 0:
		return service.CallJob{}, noJob(id)
	}
	return all[0].CallJob, nil
}

func noJob(id string) error {
	return service.Errorf(service.ErrNotFound, "there is no call job %.64q; finished ones are kept for a while only", id)
}

// JobFilter chooses among the jobs. The zero value of each field takes all.
type JobFilter struct {
	State  service.JobState
	Module string
	Caller *string
	Before int64 // those submitted before the job with this Seq
	Limit  int   // 0: 100
}

// ListedJob is a job in a list.
type ListedJob struct {
	service.CallJob
	Seq int64 `json:"seq" doc:"order of submission; before=SEQ asks for the next page"`
}

// CallJobs returns jobs, the newest first.
func (db *DB) CallJobs(ctx context.Context, f JobFilter) (list []ListedJob, err error) {
	where, args := `WHERE j.seq < ?`, []any{f.Before}
	if f.Before <= 0 {
		args[0] = int64(math.MaxInt64)
	}
	if f.State != "" {
		where, args = where+` AND j.state = ?`, append(args, f.State)
	}
	if f.Module != "" {
		where, args = where+` AND j.module = ?`, append(args, service.ModuleKey(f.Module))
	}
	if f.Caller != nil {
		where, args = where+` AND j.caller = ?`, append(args, *f.Caller)
	}
	err = db.read(ctx, "list call jobs", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectJob+where+` ORDER BY j.seq DESC LIMIT ?`, append(args, limited(f.Limit))...)
		list, err = collect(rows, err, scanJob)
		return err
	})
	return list, err
}

func scanJob(rows *sql.Rows) (j ListedJob, err error) {
	var submitted, due, started, finished int64
	var fault, url, state, callbackError sql.NullString
	var attempts sql.NullInt64
	var key string
	err = rows.Scan(&j.ID, &j.State, &key, &j.Service, &j.Version, &j.Method, &j.Caller, &j.Idempotent, &j.Progress, &j.Message, &j.Attempts, &j.Sends,
		&j.Reason, &submitted, &due, &started, &finished, &fault, &j.ResultSize,
		&url, &state, &attempts, &callbackError, &j.Module, &j.Seq)
	if err != nil {
		return j, err
	}
	j.Submitted, j.Started, j.Finished = moment(submitted), optional(started), optional(finished)
	if j.State == service.JobQueued && due > submitted {
		j.Due = optional(due)
	}
	if fault.Valid {
		if err := json.Unmarshal([]byte(fault.String), &j.Error); err != nil {
			return j, fmt.Errorf("decode the error of call job %s: %w", j.ID, err)
		}
	}
	if url.Valid {
		j.Callback = &service.JobCallback{URL: url.String, State: service.CallbackState(state.String),
			Attempts: int(attempts.Int64), Error: callbackError.String}
	}
	return j, nil
}

// optional is moment for a time that may be absent.
func optional(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	return new(moment(ms))
}

// CallJobStates counts the jobs that are kept by their state.
func (db *DB) CallJobStates(ctx context.Context) (states map[string]int64, err error) {
	states = map[string]int64{}
	err = db.read(ctx, "count jobs", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT state, count(*) FROM call_jobs GROUP BY state ORDER BY state`)
		_, err = collect(rows, err, func(rows *sql.Rows) (_ struct{}, err error) {
			var state string
			var n int64
			err = rows.Scan(&state, &n)
			states[state] = n
			return struct{}{}, err
		})
		return err
	})
	return states, err
}
