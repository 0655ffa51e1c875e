package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Retention is how long samples are kept, by the width of their buckets.
type Retention struct {
	Samples, Minutes, Hours time.Duration
}

// pruneRows is about how many samples one transaction of Prune deletes: other
// writers come in between.
const pruneRows = 5000

// Prune deletes the samples that are older than their retention, gives the room
// back to the disk, and returns how many they were. What is not rolled up yet is
// kept. Where it ends with an error, a part of them is gone.
func (db *DB) Prune(ctx context.Context, now time.Time, keep Retention) (deleted int64, err error) {
	for _, p := range []struct {
		table string
		keep  time.Duration
		into  time.Duration // the width that it is rolled up to; 0: none
	}{{"samples", keep.Samples, time.Minute}, {"samples_minute", keep.Minutes, time.Hour}, {"samples_hour", keep.Hours, 0}} {
		n, err := db.prune(ctx, p.table, now.Add(-p.keep), p.into)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("prune %s: %w", p.table, err)
		}
	}
	return deleted, nil
}

func (db *DB) prune(ctx context.Context, table string, before time.Time, into time.Duration) (deleted int64, err error) {
	for {
		var n int64
		err := db.write(ctx, "prune samples", func(tx *sql.Tx) error {
			end := before
			if into > 0 {
				marks, err := readMarks(ctx, tx)
				if err != nil {
					return err
				}
				// Whole wide buckets, so that each is found in one table or the other.
				end = earlier(end.Truncate(into), marks[into])
			}
			del, args := `DELETE FROM samples WHERE (start_ms, version, method, width_ms) IN
				(SELECT start_ms, version, method, width_ms FROM samples WHERE start_ms < ? ORDER BY start_ms LIMIT ?)`, []any{millis(end), pruneRows}
			if table != "samples" {
				// Its key begins with the version: a range for each.
				del = `DELETE FROM ` + table + ` WHERE (version, start_ms, method) IN
					(SELECT s.version, s.start_ms, s.method FROM versions v JOIN ` + table + ` s ON s.version = v.seq AND s.start_ms < ? LIMIT ?)`
			}
			res, err := tx.ExecContext(ctx, del, args...)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil || n == 0 {
			return deleted, err
		}
		deleted += n
		if err := db.shrink(ctx); err != nil {
			return deleted, err
		}
	}
}

// shrink cuts some free pages off the file.
func (db *DB) shrink(ctx context.Context) error {
	// It frees one page a row: the rows must be read for it to go on.
	rows, err := db.writer.QueryContext(ctx, `PRAGMA incremental_vacuum(200)`)
	_, err = collect(rows, err, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil })
	return explain("shrink database", err)
}
