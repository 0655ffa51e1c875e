package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// ErrLeaseLost says that an attempt is no longer its agent's: the job was
// cancelled, or its lease was over and another took it.
var ErrLeaseLost = errors.New("the attempt is no longer this agent's")

// ClaimedJob is a job with what its attempt needs. Attempts is the number of
// the attempt, which every later change of it has to give.
type ClaimedJob struct {
	service.CallJob
	Payer   string // whom limits count it for
	Params  []byte
	Secrets []byte // sealed; nil: none
}

// Claim says which job may be claimed.
type Claim struct {
	Agent    string
	Module   string       // key
	Payers   []string     // whose jobs are left out
	Services []service.ID // whose jobs are left out
	Now      time.Time
	Until    time.Time // end of the lease
}

// QueuedModules returns the keys of the modules that have jobs which are due,
// and when the next job that is not will be; the zero time: there is none.
func (db *DB) QueuedModules(ctx context.Context, now time.Time) (keys []string, next time.Time, err error) {
	err = db.read(ctx, "read modules with call jobs", func(tx *sql.Tx) error {
		// One look at the index for each module, not one for each job.
		const due = `WITH RECURSIVE m (key) AS (
				SELECT min(module) FROM call_jobs WHERE state = 'queued'
				UNION ALL
				SELECT (SELECT min(module) FROM call_jobs WHERE state = 'queued' AND module > m.key) FROM m WHERE m.key IS NOT NULL)
			SELECT key, (SELECT min(due_ms) FROM call_jobs WHERE state = 'queued' AND module = m.key) FROM m
			WHERE key IS NOT NULL ORDER BY key`
		rows, err := tx.QueryContext(ctx, due)
		_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
			var key string
			var at int64
			if err := rows.Scan(&key, &at); err != nil {
				return none, err
			}
			if at <= millis(now) {
				keys = append(keys, key)
			} else if next.IsZero() || moment(at).Before(next) {
				next = moment(at)
			}
			return none, nil
		})
		return err
	})
	return keys, next, err
}

// ClaimCallJob makes the job that is due longest the agent's; ok is false where
// there is none.
func (db *DB) ClaimCallJob(ctx context.Context, c Claim) (job ClaimedJob, ok bool, err error) {
	payers, err := json.Marshal(append([]string{}, c.Payers...)) // never null
	if err != nil {
		return job, false, err
	}
	services, err := json.Marshal(append([]service.ID{}, c.Services...))
	if err != nil {
		return job, false, err
	}
	err = db.write(ctx, "claim a call job", func(ctx context.Context, tx *sql.Tx) error {
		const claim = `UPDATE call_jobs SET state = 'running', attempts = attempts + 1, sent = 0, agent = ?, lease_ms = ?,
				started_ms = ?, progress = NULL, message = NULL
			WHERE seq = (SELECT seq FROM call_jobs WHERE state = 'queued' AND module = ? AND due_ms <= ?
				AND payer NOT IN (SELECT value FROM json_each(?))
				AND version NOT IN (SELECT v.seq FROM json_each(?) JOIN versions v ON v.id = value)
				ORDER BY due_ms, seq LIMIT 1)
			RETURNING id, payer`
		ok = false
		var id string
		err := tx.QueryRowContext(ctx, claim, c.Agent, millis(c.Until), millis(c.Now), c.Module, millis(c.Now),
			string(payers), string(services)).Scan(&id, &job.Payer)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		if job.CallJob, err = oneJob(ctx, tx, id); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT params, secrets FROM call_job_inputs
			WHERE job = (SELECT seq FROM call_jobs WHERE id = ?)`, id).Scan(&job.Params, &job.Secrets)
	})
	return job, ok && err == nil, err
}

// SendCallJob notes that an attempt is about to be sent. After it nobody may
// try the job again who does not know that it may run twice.
func (db *DB) SendCallJob(ctx context.Context, id string, attempt int) error {
	return db.changeJob(ctx, "send", id, attempt, `sends = sends + 1 - sent, sent = 1`)
}

// Requeue says when and why a job is tried again.
type Requeue struct {
	Attempt int
	Due     time.Time
	Reason  string
	Unsent  bool // nothing of the attempt arrived anywhere, though it was about to
}

// RequeueCallJob gives a job back to be tried again.
func (db *DB) RequeueCallJob(ctx context.Context, id string, r Requeue) error {
	return db.changeJob(ctx, "requeue", id, r.Attempt,
		`state = 'queued', due_ms = ?, reason = ?, agent = '', lease_ms = 0, progress = NULL, message = NULL,
			sends = sends - (sent = 1 AND ?), sent = 0`, millis(r.Due), r.Reason, r.Unsent)
}

// changeJob changes a running job if the attempt is still the one that runs.
func (db *DB) changeJob(ctx context.Context, doing, id string, attempt int, set string, args ...any) error {
	return db.write(ctx, doing+" call job "+id, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE call_jobs SET `+set+` WHERE id = ? AND state = 'running' AND attempts = ?`,
			append(args, id, attempt)...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrLeaseLost)
		}
		return nil
	})
}

// Beat is a sign of life of a running attempt.
type Beat struct {
	ID       string
	Attempt  int
	Progress *float64
	Message  *string
}

// RenewCallJobs extends the leases of running attempts and returns the ids of
// those that are lost.
func (db *DB) RenewCallJobs(ctx context.Context, beats []Beat, until time.Time) (lost []string, err error) {
	err = db.write(ctx, "renew leases of call jobs", func(ctx context.Context, tx *sql.Tx) error {
		lost = nil
		const renew = `UPDATE call_jobs SET lease_ms = ?, progress = ?, message = ? WHERE id = ? AND state = 'running' AND attempts = ?`
		stmt, err := tx.PrepareContext(ctx, renew)
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // nothing is lost with a statement
		for _, b := range beats {
			res, err := stmt.ExecContext(ctx, millis(until), b.Progress, b.Message, b.ID, b.Attempt)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, b.ID)
			}
		}
		return nil
	})
	return lost, err
}

// LeftJob is a running job whose agent is gone.
type LeftJob struct {
	service.CallJob
	Sent bool // the attempt may have reached an instance
}

// LeftCallJobs returns the running jobs whose lease ended before now.
func (db *DB) LeftCallJobs(ctx context.Context, now time.Time) (left []LeftJob, err error) {
	err = db.read(ctx, "read call jobs without an agent", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectJob+`WHERE j.state = 'running' AND j.lease_ms < ? ORDER BY j.seq`, millis(now))
		all, err := collect(rows, err, scanJob)
		if err != nil {
			return err
		}
		for _, j := range all {
			l := LeftJob{CallJob: j.CallJob}
			if err := tx.QueryRowContext(ctx, `SELECT sent FROM call_jobs WHERE seq = ?`, j.Seq).Scan(&l.Sent); err != nil {
				return err
			}
			left = append(left, l)
		}
		return nil
	})
	return left, err
}
