package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// A rollup is a width of buckets that narrower ones are added up to.
type rollup struct {
	width time.Duration
	table string
	from  string // the table of the narrower buckets
	lag   time.Duration
	most  time.Duration // how much time one transaction rolls up
}

// The lag is how late narrower buckets may still come; what comes later yet is
// added to the wide ones one by one.
var rollups = []rollup{
	{time.Minute, "samples_minute", "samples", 20 * time.Second, 15 * time.Minute},
	{time.Hour, "samples_hour", "samples_minute", time.Minute, 24 * time.Hour},
}

// RollUp adds up samples to minutes, and minutes to hours, as far as they are
// complete at now. It goes on where it ended the last time; call it about once
// a minute.
func (db *DB) RollUp(ctx context.Context, now time.Time) error {
	for _, r := range rollups {
		for {
			more, err := db.rollUp(ctx, r, now)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// rollUp does one piece; more says that there is another.
func (db *DB) rollUp(ctx context.Context, r rollup, now time.Time) (more bool, err error) {
	err = db.writeMuch(ctx, "roll up samples to "+r.width.String(), func(ctx context.Context, tx *sql.Tx) error {
		marks, err := readMarks(ctx, tx)
		if err != nil {
			return err
		}
		end := now.Add(-r.lag).Truncate(r.width)
		if r.from != "samples" { // no further than what it is made from
			end = earlier(end, marks[time.Minute].Truncate(r.width))
		}
		from := marks[r.width]
		if from.IsZero() {
			var first sql.NullInt64
			if err := tx.QueryRowContext(ctx, `SELECT min(start_ms) FROM `+r.from).Scan(&first); err != nil || !first.Valid {
				return err
			}
			from = moment(first.Int64).Truncate(r.width)
		}
		until := earlier(end, from.Add(r.most))
		if !until.After(from) {
			return nil
		}
		if err := db.rollUpRange(ctx, tx, r, from, until); err != nil {
			return err
		}
		more = until.Before(end)
		return setMark(ctx, tx, r.width, until)
	})
	return more, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// rollUpRange adds up what starts within a range of whole wide buckets.
func (db *DB) rollUpRange(ctx context.Context, tx *sql.Tx, r rollup, from, until time.Time) error {
	query := `SELECT s.version, ` + sampleColumns + ` FROM ` + r.from + ` s JOIN versions v ON v.seq = s.version
		WHERE s.start_ms >= ? AND s.start_ms < ?`
	if r.from != "samples" {
		// Its key begins with the version.
		query = `SELECT s.version, ` + sampleColumns + ` FROM versions v JOIN ` + r.from + ` s ON s.version = v.seq
			AND s.start_ms >= ? AND s.start_ms < ?`
	}
	rows, err := tx.QueryContext(ctx, query, millis(from), millis(until))
	wide := map[wideKey]*service.Sample{}
	_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		seq, s, err := scanNumbered(rows)
		if err != nil {
			return none, err
		}
		widen(wide, seq, &s, r.width)
		return none, nil
	})
	if err != nil {
		return err
	}
	return writeWide(ctx, tx, r.table, wide)
}

// wideKey is a wide bucket of one service and method.
type wideKey struct {
	seq    int64
	method string
	start  int64
}

// widen adds a sample to the wide bucket that it is in.
func widen(wide map[wideKey]*service.Sample, seq int64, s *service.Sample, width time.Duration) {
	start := s.Start.Truncate(width)
	key := wideKey{seq, s.Method, start.UnixMilli()}
	sum, ok := wide[key]
	if !ok {
		sum = &service.Sample{Service: s.Service, Method: s.Method, Start: start, Width: service.Duration{Duration: width}}
		wide[key] = sum
	}
	sum.Add(s)
}

func writeWide(ctx context.Context, tx *sql.Tx, table string, wide map[wideKey]*service.Sample) error {
	if len(wide) == 0 {
		return nil
	}
	w, err := newSampleWriter(context.WithoutCancel(ctx), tx, table)
	if err != nil {
		return err
	}
	defer w.close()
	for key, s := range wide {
		if err := w.add(key.seq, s); err != nil {
			return err
		}
	}
	return w.flush()
}

// addLate adds samples to the wide buckets that were rolled up before they came.
func (db *DB) addLate(ctx context.Context, tx *sql.Tx, marks map[time.Duration]time.Time, late []service.Sample) error {
	if len(late) == 0 {
		return nil
	}
	for _, r := range rollups {
		wide := map[wideKey]*service.Sample{}
		for i := range late {
			s := &late[i]
			if !s.Start.Before(marks[r.width]) {
				continue
			}
			seq, err := db.seq(ctx, tx, s.Service)
			if err != nil {
				return err
			}
			widen(wide, seq, s, r.width)
		}
		if err := writeWide(ctx, tx, r.table, wide); err != nil {
			return err
		}
	}
	return nil
}

// readMarks returns how far each width is rolled up.
func readMarks(ctx context.Context, tx *sql.Tx) (map[time.Duration]time.Time, error) {
	marks := map[time.Duration]time.Time{}
	rows, err := tx.QueryContext(ctx, `SELECT width_ms, until_ms FROM rollups`)
	_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		var width, until int64
		err = rows.Scan(&width, &until)
		marks[time.Duration(width)*time.Millisecond] = moment(until)
		return none, err
	})
	return marks, err
}

func setMark(ctx context.Context, tx *sql.Tx, width time.Duration, until time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO rollups VALUES (?, ?) ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms`,
		width.Milliseconds(), millis(until))
	return err
}
