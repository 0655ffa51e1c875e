package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// JobEnd is how a job ended.
type JobEnd struct {
	Attempt int // that ended it
	State   service.JobState
	Reason  string
	Error   *service.JobError // of a failed or dead one

	// Of a done one.
	Result []byte // nil where it is a file
	File   bool   // the result is a file beside the database
	Bytes  int64  // of the result
}

// FinishCallJob stores how a running job ended, if the attempt is still the one
// that runs.
func (db *DB) FinishCallJob(ctx context.Context, id string, e JobEnd, now time.Time) error {
	var fault any
	if e.Error != nil {
		text, err := json.Marshal(e.Error)
		if err != nil {
			return fmt.Errorf("encode the error of call job %s: %w", id, err)
		}
		fault = string(text)
	}
	return db.write(ctx, "finish call job "+id, func(ctx context.Context, tx *sql.Tx) error {
		const finish = `UPDATE call_jobs SET state = ?, finished_ms = ?, reason = ?, error = ?, result_bytes = ?, result_file = ?,
				agent = '', lease_ms = 0, progress = CASE ? WHEN 'done' THEN 1.0 ELSE progress END
			WHERE id = ? AND state = 'running' AND attempts = ? RETURNING seq`
		var seq int64
		err := tx.QueryRowContext(ctx, finish, e.State, millis(now), e.Reason, fault, e.Bytes, e.File, e.State, id, e.Attempt).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLeaseLost
		}
		if err != nil {
			return err
		}
		if e.State == service.JobDone && !e.File {
			if _, err := tx.ExecContext(ctx, `INSERT INTO call_job_results (job, result) VALUES (?, ?)`, seq, e.Result); err != nil {
				return err
			}
		}
		return ended(ctx, tx, seq, e.State, now)
	})
}

// ended does what the end of a job brings with it.
func ended(ctx context.Context, tx *sql.Tx, seq int64, state service.JobState, now time.Time) error {
	if state != service.JobDead {
		if _, err := tx.ExecContext(ctx, `DELETE FROM call_job_inputs WHERE job = ?`, seq); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE call_job_callbacks SET state = 'due', due_ms = ?, attempts = 0, error = '' WHERE job = ?`, millis(now), seq)
	return err
}

// CancelCallJob ends a job that is not finished; changed is false where it was.
func (db *DB) CancelCallJob(ctx context.Context, id, who string, now time.Time) (job service.CallJob, changed bool, err error) {
	err = db.write(ctx, "cancel call job "+id, func(ctx context.Context, tx *sql.Tx) error {
		changed = false
		const cancel = `UPDATE call_jobs SET state = 'cancelled', finished_ms = ?, reason = ?, agent = '', lease_ms = 0
			WHERE id = ? AND state IN ('queued', 'running') RETURNING seq`
		var seq int64
		err := tx.QueryRowContext(ctx, cancel, millis(now), "cancelled by "+who, id).Scan(&seq)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		default:
			changed = true
			if err := ended(ctx, tx, seq, service.JobCancelled, now); err != nil {
				return err
			}
		}
		job, err = oneJob(ctx, tx, id)
		return err
	})
	return job, changed && err == nil, err
}

// RedriveCallJob sends a dead job back, as if it had not been tried, and enters
// that in the audit trail.
func (db *DB) RedriveCallJob(ctx context.Context, id, who string, now time.Time) (job service.CallJob, err error) {
	err = db.write(ctx, "redrive call job "+id, func(ctx context.Context, tx *sql.Tx) error {
		const redrive = `UPDATE call_jobs SET state = 'queued', due_ms = ?, finished_ms = 0, reason = '', error = NULL,
				attempts = 0, sends = 0, sent = 0, progress = NULL, message = NULL
			WHERE id = ? AND state = 'dead' RETURNING seq`
		var seq int64
		err := tx.QueryRowContext(ctx, redrive, millis(now), id).Scan(&seq)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var rerr error
		if job, rerr = oneJob(ctx, tx, id); rerr != nil {
			return rerr
		}
		if err != nil {
			return service.Errorf(service.ErrConflict, "call job %s is %s: only dead ones can be sent back", id, job.State)
		}
		const wait = `UPDATE call_job_callbacks SET state = 'waiting', attempts = 0, error = '' WHERE job = ?`
		if _, err = tx.ExecContext(ctx, wait, seq); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{At: now, Who: who, Action: "redrive", Module: job.Module, Service: job.Service, Detail: id})
	})
	return job, err
}

// CallJobResult returns the result of a done job; file is true where it is a
// file beside the database, and the result nil.
func (db *DB) CallJobResult(ctx context.Context, id string) (result []byte, file bool, err error) {
	err = db.read(ctx, "read the result of call job "+id, func(tx *sql.Tx) error {
		const query = `SELECT j.state, j.result_file, r.result FROM call_jobs j LEFT JOIN call_job_results r ON r.job = j.seq WHERE j.id = ?`
		var state service.JobState
		err := tx.QueryRowContext(ctx, query, id).Scan(&state, &file, &result)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noJob(id)
		case err != nil:
			return err
		case state != service.JobDone:
			return service.Errorf(service.ErrConflict, "call job %s is %s: it has no result", id, state)
		}
		return nil
	})
	return result, file, err
}
