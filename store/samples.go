package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// AddSamples stores a batch in one transaction, all of it or nothing. A sample
// of a service, method, start and width that is there already is added to it:
// sums grow, peaks keep the larger. Give it what was counted since the last
// batch, never the same batch twice. Samples of services that are not
// registered are left out, with a warning in the log.
//
// Starts are best multiples of the width: [DB.Samples] looks at each distinct
// start, so that buckets of many services should share theirs.
func (db *DB) AddSamples(ctx context.Context, batch []service.Sample) error {
	if len(batch) == 0 {
		return nil
	}
	strangers := map[service.ID]bool{}
	err := db.write(ctx, "add samples", func(tx *sql.Tx) error {
		// A batch takes milliseconds; a context that can end would cost a
		// goroutine for every row.
		ctx := context.WithoutCancel(ctx)
		const upsert = `INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
			calls = calls + excluded.calls, errors = errors + excluded.errors,
			cold_starts = cold_starts + excluded.cold_starts,
			in_flight_peak = max(in_flight_peak, excluded.in_flight_peak),
			queue_peak = max(queue_peak, excluded.queue_peak),
			busy_ns = busy_ns + excluded.busy_ns, latency_ns = latency_ns + excluded.latency_ns,
			latency_max_ns = max(latency_max_ns, excluded.latency_max_ns)`
		insert, err := tx.PrepareContext(ctx, upsert)
		if err != nil {
			return err
		}
		defer insert.Close() //nolint:errcheck // it ends with the transaction
		for i := range batch {
			s := &batch[i]
			if s.Start.IsZero() || s.Width.Duration < time.Millisecond {
				return service.Errorf(service.ErrInvalid, "a sample of %s needs a start and a width of at least 1ms", s.Service)
			}
			seq, err := db.seq(ctx, tx, s.Service)
			if errors.Is(err, service.ErrNotFound) {
				strangers[s.Service] = true
				continue
			}
			if err != nil {
				return err
			}
			_, err = insert.ExecContext(ctx, millis(s.Start), seq, s.Method, s.Width.Milliseconds(),
				s.Calls, s.Errors, s.ColdStarts, int64(s.InFlightPeak), int64(s.QueuePeak),
				int64(s.Busy), int64(s.Latency), int64(s.LatencyMax))
			if err != nil {
				return err
			}
		}
		return nil
	})
	for id := range strangers {
		db.log.Warn("left out samples", "service", id, "reason", "not registered")
	}
	return err
}

const sampleColumns = `v.id, s.method, s.start_ms, s.width_ms, s.calls, s.errors, s.cold_starts,
	s.in_flight_peak, s.queue_peak, s.busy_ns, s.latency_ns, s.latency_max_ns`

// Samples returns a service's samples that start at since or later and before
// until, in order of start, method and width. A zero until is without end.
func (db *DB) Samples(ctx context.Context, id service.ID, since, until time.Time) (list []service.Sample, err error) {
	end := int64(math.MaxInt64)
	if !until.IsZero() {
		end = millis(until)
	}
	err = db.read(ctx, "read samples of "+string(id), func(tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		// The key begins with the start, so the starts are walked one by one
		// and the service is looked up at each.
		const query = `WITH RECURSIVE starts (ms) AS (
				SELECT min(start_ms) FROM samples WHERE start_ms >= ?1
				UNION ALL
				SELECT (SELECT min(start_ms) FROM samples WHERE start_ms > starts.ms) FROM starts WHERE starts.ms < ?2)
			SELECT ` + sampleColumns + ` FROM starts JOIN samples s ON s.start_ms = starts.ms AND s.version = ?3
				JOIN versions v ON v.seq = s.version
			WHERE starts.ms < ?2 ORDER BY s.start_ms, s.method, s.width_ms`
		rows, err := tx.QueryContext(ctx, query, millis(since), end, seq)
		list, err = collect(rows, err, scanSample)
		return err
	})
	return list, err
}

// RecentSamples returns the samples of all services that start at since or
// later, in order of start, registration of the service, method and width.
func (db *DB) RecentSamples(ctx context.Context, since time.Time) (list []service.Sample, err error) {
	err = db.read(ctx, "read recent samples", func(tx *sql.Tx) error {
		const query = `SELECT ` + sampleColumns + ` FROM samples s JOIN versions v ON v.seq = s.version
			WHERE s.start_ms >= ? ORDER BY s.start_ms, s.version, s.method, s.width_ms`
		rows, err := tx.QueryContext(ctx, query, millis(since))
		list, err = collect(rows, err, scanSample)
		return err
	})
	return list, err
}

func scanSample(rows *sql.Rows) (s service.Sample, err error) {
	var start, width int64
	err = rows.Scan(&s.Service, &s.Method, &start, &width, &s.Calls, &s.Errors, &s.ColdStarts,
		&s.InFlightPeak, &s.QueuePeak, &s.Busy, &s.Latency, &s.LatencyMax)
	s.Start = moment(start)
	s.Width = service.Duration{Duration: time.Duration(width) * time.Millisecond}
	return s, err
}

// pruneRows is about how many samples one transaction of PruneSamples deletes:
// other writers come in between.
const pruneRows = 5000

// PruneSamples deletes the samples of one width that start before a moment,
// gives the room back to the disk, and returns how many they were. Where it
// ends with an error, a part of them is gone.
func (db *DB) PruneSamples(ctx context.Context, width time.Duration, before time.Time) (deleted int64, err error) {
	from, end := int64(math.MinInt64), millis(before)
	for {
		var n int64
		err := db.write(ctx, "prune samples", func(tx *sql.Tx) error {
			var last sql.NullInt64
			const bound = `SELECT max(start_ms) FROM (SELECT start_ms FROM samples
				WHERE start_ms >= ? AND start_ms < ? AND width_ms = ? ORDER BY start_ms LIMIT ?)`
			if err := tx.QueryRowContext(ctx, bound, from, end, width.Milliseconds(), pruneRows).Scan(&last); err != nil {
				return err
			}
			if !last.Valid {
				return nil
			}
			res, err := tx.ExecContext(ctx, `DELETE FROM samples WHERE start_ms >= ? AND start_ms <= ? AND width_ms = ?`,
				from, last.Int64, width.Milliseconds())
			if err != nil {
				return err
			}
			from = last.Int64 + 1
			n, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return deleted, err
		}
		if n == 0 {
			return deleted, nil
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
