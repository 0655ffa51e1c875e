package store

import (
	"context"
	"database/sql"
	"time"
)

// JobRetention says which finished jobs are kept.
type JobRetention struct {
	Before time.Time // those that ended before go
	Bytes  int64     // of results in all; the oldest go beyond it
	Limit  int       // how many go at most at once
}

// PruneCallJobs deletes finished jobs, the oldest first, and returns the ids of
// those that were deleted. A job whose callback is still to be sent stays.
func (db *DB) PruneCallJobs(ctx context.Context, r JobRetention) (ids []string, err error) {
	err = db.writeMuch(ctx, "delete old call jobs", func(ctx context.Context, tx *sql.Tx) error {
		var total int64
		err := tx.QueryRowContext(ctx, `SELECT ifnull(sum(result_bytes), 0) FROM call_jobs WHERE finished_ms > 0`).Scan(&total)
		if err != nil {
			return err
		}
		const oldest = `SELECT seq, id, finished_ms, result_bytes FROM call_jobs j WHERE finished_ms > 0
			AND NOT EXISTS (SELECT 1 FROM call_job_callbacks c WHERE c.job = j.seq AND c.state = 'due')
			ORDER BY finished_ms LIMIT ?`
		rows, err := tx.QueryContext(ctx, oldest, r.Limit)
		type old struct {
			seq, finished, bytes int64
			id                   string
		}
		all, err := collect(rows, err, func(rows *sql.Rows) (o old, err error) {
			return o, rows.Scan(&o.seq, &o.id, &o.finished, &o.bytes)
		})
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.finished >= millis(r.Before) && (total <= r.Bytes || o.bytes == 0) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM call_jobs WHERE seq = ?`, o.seq); err != nil {
				return err
			}
			total -= o.bytes
			ids = append(ids, o.id)
		}
		return nil
	})
	return ids, err
}

// ResultFiles tells which of the ids are of done jobs whose result is a file.
func (db *DB) ResultFiles(ctx context.Context, ids []string) (are map[string]bool, err error) {
	are = make(map[string]bool, len(ids))
	err = db.read(ctx, "look up result files", func(tx *sql.Tx) error {
		for _, id := range ids {
			var n int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM call_jobs WHERE id = ? AND result_file = 1`, id).Scan(&n); err != nil {
				return err
			}
			are[id] = n > 0
		}
		return nil
	})
	return are, err
}
