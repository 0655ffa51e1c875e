package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// UsageQuery says whose usage is asked for, and how it is added up.
type UsageQuery struct {
	Services []service.ID
	Since    time.Time
	Until    time.Time
	Step     time.Duration // width of the answer's buckets, which begin at its multiples; 0: one from Since to Until
	Methods  bool          // each method for itself
}

// Usage adds up samples. It reads the widest buckets that the step allows, and
// narrower ones for the newest time, which is not rolled up yet; the first
// bucket may begin a little before Since for that. The answer is in order of
// start, service as asked for, and method; buckets without usage are left out.
func (db *DB) Usage(ctx context.Context, q UsageQuery) ([]service.Sample, error) {
	sum := map[wideKey]*service.Sample{}
	err := db.read(ctx, "read usage", func(tx *sql.Tx) error {
		marks, err := readMarks(ctx, tx)
		if err != nil {
			return err
		}
		for at, id := range q.Services {
			seq, err := db.seq(ctx, tx, id)
			if err != nil {
				return err
			}
			pieces, err := q.pieces(ctx, tx, marks, seq)
			if err != nil {
				return err
			}
			for _, p := range pieces {
				rows, err := tx.QueryContext(ctx, p.query, millis(p.from), millis(p.until), seq)
				_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
					s, err := scanSample(rows)
					if err == nil {
						q.add(sum, at, &s)
					}
					return none, err
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return q.sorted(sum), nil
}

// piece is a time that is read from one table.
type piece struct {
	query       string
	from, until time.Time
}

const minutesQuery = `SELECT ` + sampleColumns + ` FROM samples_minute s JOIN versions v ON v.seq = s.version
	WHERE s.version = ?3 AND s.start_ms >= ?1 AND s.start_ms < ?2 ORDER BY s.start_ms, s.method`

const hoursQuery = `SELECT ` + sampleColumns + ` FROM samples_hour s JOIN versions v ON v.seq = s.version
	WHERE s.version = ?3 AND s.start_ms >= ?1 AND s.start_ms < ?2 ORDER BY s.start_ms, s.method`

// longTime is from when on the sum of a whole time is made of hours.
const longTime = 48 * time.Hour

// pieces splits the time between the tables. Where the step asks for narrow
// buckets, wide ones stand in for the time of which no narrow ones are kept.
func (q *UsageQuery) pieces(ctx context.Context, tx *sql.Tx, marks map[time.Duration]time.Time, seq int64) ([]piece, error) {
	step := q.Step
	if step <= 0 {
		step = time.Minute
		if q.Until.Sub(q.Since) >= longTime {
			step = time.Hour
		}
	}
	minutes, samples := marks[time.Hour], marks[time.Minute] // from when on each is read
	if step < time.Hour {
		const first = `SELECT min(start_ms) FROM samples_minute WHERE version = ?`
		if err := since(ctx, tx, &minutes, time.Hour, first, seq); err != nil {
			return nil, err
		}
	}
	if step < time.Minute {
		if err := since(ctx, tx, &samples, time.Minute, `SELECT min(start_ms) FROM samples`); err != nil {
			return nil, err
		}
	}
	var list []piece
	from := q.Since.Truncate(time.Millisecond)
	take := func(query string, width time.Duration, until time.Time) {
		if until = earlier(until, q.Until); from.Before(until) {
			list = append(list, piece{query, from.Truncate(width), until})
			from = until
		}
	}
	take(hoursQuery, time.Hour, minutes)
	take(minutesQuery, time.Minute, samples)
	take(samplesQuery, time.Millisecond, q.Until)
	return list, nil
}

// since moves a mark back to the first narrow bucket that is kept.
func since(ctx context.Context, tx *sql.Tx, mark *time.Time, width time.Duration, query string, args ...any) error {
	var first sql.NullInt64
	if err := tx.QueryRowContext(ctx, query, args...).Scan(&first); err != nil {
		return err
	}
	if first.Valid {
		*mark = earlier(*mark, moment(first.Int64).Truncate(width))
	}
	return nil
}

// add adds a sample to the bucket of the answer that it is in. at is the place
// of its service in the question.
func (q *UsageQuery) add(sum map[wideKey]*service.Sample, at int, s *service.Sample) {
	start, width := q.Since, q.Until.Sub(q.Since)
	if q.Step > 0 {
		start, width = s.Start.Truncate(q.Step), q.Step
	}
	key := wideKey{seq: int64(at), start: start.UnixMilli()}
	if q.Methods {
		key.method = s.Method
	}
	b, ok := sum[key]
	if !ok {
		b = &service.Sample{Service: s.Service, Method: key.method, Start: start.UTC(), Width: service.Duration{Duration: width}}
		sum[key] = b
	}
	b.Add(s)
}

func (q *UsageQuery) sorted(sum map[wideKey]*service.Sample) []service.Sample {
	keys := slices.SortedFunc(maps.Keys(sum), func(a, b wideKey) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.seq, b.seq), cmp.Compare(a.method, b.method))
	})
	list := make([]service.Sample, len(keys))
	for i, key := range keys {
		list[i] = *sum[key]
	}
	return list
}
