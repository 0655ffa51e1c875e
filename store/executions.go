package store

import (
	"context"
	"database/sql"
	"time"
)

// Execution is a job that an execution engine ran elsewhere.
type Execution struct {
	Job, Who                string
	AppModule, App          string
	FuncModule, Func        string
	Commit                  string
	Created, Started, Ended time.Time
	Failed                  bool
}

// AddExecution keeps one.
func (db *DB) AddExecution(ctx context.Context, e Execution) error {
	return db.write(ctx, "add execution "+e.Job, func(ctx context.Context, tx *sql.Tx) error {
		const insert = `INSERT INTO executions (job, who, app_module, app, func_module, func, commit_hash, created_ms, started_ms, ended_ms, failed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
		_, err := tx.ExecContext(ctx, insert, e.Job, e.Who, e.AppModule, e.App, e.FuncModule, e.Func, e.Commit,
			millis(e.Created), millis(e.Started), millis(e.Ended), e.Failed)
		return err
	})
}

// Executions calls f for each execution created in from <= t < to, oldest first.
func (db *DB) Executions(ctx context.Context, from, to time.Time, f func(Execution) error) error {
	return db.read(ctx, "read executions", func(tx *sql.Tx) error {
		const query = `SELECT job, who, app_module, app, func_module, func, commit_hash, created_ms, started_ms, ended_ms, failed
			FROM executions WHERE created_ms >= ? AND created_ms < ? ORDER BY created_ms, id`
		rows, err := tx.QueryContext(ctx, query, millis(from), millis(to))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells it
		for rows.Next() {
			var e Execution
			var created, started, ended int64
			if err := rows.Scan(&e.Job, &e.Who, &e.AppModule, &e.App, &e.FuncModule, &e.Func, &e.Commit,
				&created, &started, &ended, &e.Failed); err != nil {
				return err
			}
			e.Created, e.Started, e.Ended = moment(created), moment(started), moment(ended)
			if err := f(e); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
