package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
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
	Modules  []string     // keys; the first of them that has a job for us is served
	Payers   []string     // whose jobs are left out
	Services []service.ID // whose jobs are left out
}

// Claims says who claims jobs, and which.
type Claims struct {
	Agent string
	Now   time.Time
	Until time.Time // end of the leases
	// Next says which job comes after those that were taken; ok is false if none
	// does. What it leaves out once it goes on to leave out.
	Next func(taken []ClaimedJob) (c Claim, ok bool)
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

// ClaimCallJobs makes jobs the agent's, one after the other and all of them in one
// transaction: each time the one that is due longest of those that may be claimed,
// until there is none. A claimed job of an idempotent method counts as sent: nobody
// has to know better, since it may run twice.
func (db *DB) ClaimCallJobs(ctx context.Context, c Claims) (taken []ClaimedJob, err error) {
	err = db.write(ctx, "claim call jobs", func(ctx context.Context, tx *sql.Tx) error {
		taken = nil
		empty := map[string]bool{} // modules that have none any more
		for {
			claim, ok := c.Next(taken)
			if !ok {
				return nil
			}
			claim.Modules = slices.DeleteFunc(slices.Clone(claim.Modules), func(key string) bool { return empty[key] })
			if len(claim.Modules) == 0 {
				return nil
			}
			job, ok, err := claimOne(ctx, tx, c, claim)
			switch {
			case err != nil:
				return err
			case ok:
				taken = append(taken, job)
			default:
				empty[claim.Modules[0]] = true
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// claimOne claims a job of the claim's first module; ok is false where it has none.
func claimOne(ctx context.Context, tx *sql.Tx, c Claims, which Claim) (job ClaimedJob, ok bool, err error) {
	payers, err := json.Marshal(append([]string{}, which.Payers...)) // never null
	if err != nil {
		return job, false, err
	}
	services, err := json.Marshal(append([]service.ID{}, which.Services...))
	if err != nil {
		return job, false, err
	}
	const claim = `UPDATE call_jobs SET state = 'running', attempts = attempts + 1, sends = sends + idempotent, sent = idempotent,
			agent = ?, lease_ms = ?, started_ms = ?, progress = NULL, message = NULL
		WHERE seq = (SELECT seq FROM call_jobs WHERE state = 'queued' AND module = ? AND due_ms <= ?
			AND payer NOT IN (SELECT value FROM json_each(?))
			AND version NOT IN (SELECT v.seq FROM json_each(?) JOIN versions v ON v.id = value)
			ORDER BY due_ms, seq LIMIT 1)
		RETURNING seq, id, payer`
	var seq int64
	var id string
	err = tx.QueryRowContext(ctx, claim, c.Agent, millis(c.Until), millis(c.Now), which.Modules[0], millis(c.Now),
		string(payers), string(services)).Scan(&seq, &id, &job.Payer)
	if errors.Is(err, sql.ErrNoRows) {
		return job, false, nil
	}
	if err != nil {
		return job, false, err
	}
	if job.CallJob, err = oneJob(ctx, tx, id); err != nil {
		return job, false, err
	}
	err = tx.QueryRowContext(ctx, `SELECT params, secrets FROM call_job_inputs WHERE job = ?`, seq).Scan(&job.Params, &job.Secrets)
	return job, err == nil, err
}

// SendCallJob notes that an attempt of a job that must not run twice is about to be
// sent. After it nobody may try the job again.
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
