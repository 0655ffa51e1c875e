package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// DueCallback is a message to be sent about a job's end.
type DueCallback struct {
	Job    service.CallJob
	Secret []byte // sealed
}

// DueCallbacks returns the callbacks to be sent now, the longest due first.
func (db *DB) DueCallbacks(ctx context.Context, now time.Time, limit int) (due []DueCallback, err error) {
	err = db.read(ctx, "read due callbacks", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectJob+`WHERE c.state = 'due' AND c.due_ms <= ? ORDER BY c.due_ms, j.seq LIMIT ?`, millis(now), limit)
		all, err := collect(rows, err, scanJob)
		if err != nil {
			return err
		}
		for _, j := range all {
			d := DueCallback{Job: j.CallJob}
			if err := tx.QueryRowContext(ctx, `SELECT secret FROM call_job_callbacks WHERE job = ?`, j.Seq).Scan(&d.Secret); err != nil {
				return err
			}
			due = append(due, d)
		}
		return nil
	})
	return due, err
}

// CallbackResult is what came of one attempt to call back.
type CallbackResult struct {
	State service.CallbackState // due: it is tried again
	Due   time.Time
	Error string
}

// SetCallback stores what came of an attempt. A callback that is no longer due,
// because the job was sent back, is left alone.
func (db *DB) SetCallback(ctx context.Context, job string, r CallbackResult) error {
	return db.write(ctx, "set the callback of call job "+job, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE call_job_callbacks SET state = ?, due_ms = ?, error = ?, attempts = attempts + 1
			WHERE job = (SELECT seq FROM call_jobs WHERE id = ?) AND state = 'due'`, r.State, millis(r.Due), r.Error, job)
		return err
	})
}
