package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Retention is how long samples and vitals are kept, by the width of their buckets.
type Retention struct {
	Samples, Minutes, Hours time.Duration
}

// pruneRows is about how many samples one transaction of Prune deletes: other
// writers come in between.
const pruneRows = 5000

// Prune deletes the samples and vitals that are older than their retention, gives the room
// back to the disk, and returns how many they were. What is not rolled up yet is
// kept. Where it ends with an error, a part of them is gone.
func (db *DB) Prune(ctx context.Context, now time.Time, keep Retention) (deleted int64, err error) {
	for _, p := range []aged{
		{"samples", "start_ms, version, method, width_ms", keep.Samples, time.Minute},
		{"samples_minute", "version, start_ms, method", keep.Minutes, time.Hour},
		{"samples_hour", "version, start_ms, method", keep.Hours, 0},
		{"vitals", "start_ms, version, alloc", keep.Samples, 0},
		{"vitals_minute", "version, start_ms, alloc", keep.Minutes, 0},
		{"vitals_hour", "version, start_ms, alloc", keep.Hours, 0},
	} {
		n, err := db.prune(ctx, p, now.Add(-p.keep))
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("prune %s: %w", p.table, err)
		}
	}
	return deleted, nil
}

// aged is a table whose rows have an end.
type aged struct {
	table string
	key   string // its columns, in order
	keep  time.Duration
	into  time.Duration // the width that has to be rolled up to first; 0: none
}

func (db *DB) prune(ctx context.Context, p aged, before time.Time) (deleted int64, err error) {
	for {
		var n int64
		err := db.writeMuch(ctx, "prune samples", func(ctx context.Context, tx *sql.Tx) error {
			end := before
			if p.into > 0 {
				marks, err := readMarks(ctx, tx)
				if err != nil {
					return err
				}
				// Whole wide buckets, so that each is found in one table or the other.
				end = earlier(end.Truncate(p.into), marks[p.into])
			}
			old := `SELECT ` + p.key + ` FROM ` + p.table + ` WHERE start_ms < ? ORDER BY start_ms LIMIT ?`
			if strings.HasPrefix(p.key, "version") { // a range for each
				columns := "s." + strings.ReplaceAll(p.key, ", ", ", s.")
				old = `SELECT ` + columns + ` FROM versions v JOIN ` + p.table + ` s ON s.version = v.seq AND s.start_ms < ? LIMIT ?`
			}
			del := `DELETE FROM ` + p.table + ` WHERE (` + p.key + `) IN (` + old + `)`
			res, err := tx.ExecContext(ctx, del, millis(end), pruneRows)
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
	rows, err := db.writer.conn.QueryContext(ctx, `PRAGMA incremental_vacuum(200)`)
	_, err = collect(rows, err, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil })
	return explain("shrink database", err)
}
