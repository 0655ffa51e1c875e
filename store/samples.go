package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
)

// AddSamples stores a batch in one transaction, all of it or nothing. A sample
// of a service, method, start and width that is there already is added to it, as
// [service.Sample.Add] does. Give it what was counted since the last batch,
// never the same batch twice. Samples of services that are not registered are
// left out, with a warning in the log. Samples of a time that is rolled up
// already are added to what it was rolled up to as well.
//
// Starts are best multiples of the width: [DB.Samples] looks at each distinct
// start, so that buckets of many services should share theirs.
func (db *DB) AddSamples(ctx context.Context, batch []service.Sample) error {
	if len(batch) == 0 {
		return nil
	}
	strangers := map[service.ID]bool{}
	err := db.writeMuch(ctx, "add samples", func(ctx context.Context, tx *sql.Tx) error {
		w, err := newSampleWriter(ctx, tx, "samples")
		if err != nil {
			return err
		}
		defer w.close()
		marks, err := readMarks(w.ctx, tx)
		if err != nil {
			return err
		}
		var late []service.Sample
		for i := range batch {
			s := &batch[i]
			if s.Start.IsZero() || s.Width.Duration < time.Millisecond {
				return service.Errorf(service.ErrInvalid, "a sample of %s needs a start and a width of at least 1ms", s.Service)
			}
			seq, err := db.seq(w.ctx, tx, s.Service)
			if errors.Is(err, service.ErrNotFound) {
				strangers[s.Service] = true
				continue
			}
			if err != nil {
				return err
			}
			if err := w.add(seq, s); err != nil {
				return err
			}
			if s.Start.Before(marks[time.Minute]) {
				late = append(late, *s)
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		return db.addLate(w.ctx, tx, marks, late)
	})
	for id := range strangers {
		db.log.Warn("left out samples", "service", id, "reason", "not registered")
	}
	return err
}

// sampleChunk is how many samples one statement inserts.
const sampleChunk = 32

// sampleWriter adds samples to one of their tables.
type sampleWriter struct {
	ctx   context.Context //nolint:containedctx // of the transaction that it writes in
	tx    *sql.Tx
	table string
	many  *sql.Stmt
	packer
	waiting []waiting
}

// waiting is a sample that is packed and not yet inserted.
type waiting struct {
	seq    int64
	sample *service.Sample
}

func newSampleWriter(ctx context.Context, tx *sql.Tx, table string) (*sampleWriter, error) {
	insert := `INSERT INTO ` + table + insertColumns + strings.TrimSuffix(strings.Repeat(insertRow+", ", sampleChunk), ", ")
	many, err := tx.PrepareContext(ctx, insert)
	return &sampleWriter{ctx: ctx, tx: tx, table: table, many: many}, err
}

func (w *sampleWriter) close() { _ = w.many.Close() } // it ends with the transaction

// add takes a sample that stays as it is until flush.
func (w *sampleWriter) add(seq int64, s *service.Sample) error {
	w.packer.add(seq, s)
	if w.waiting = append(w.waiting, waiting{seq, s}); len(w.waiting) < sampleChunk {
		return nil
	}
	_, err := w.many.ExecContext(w.ctx, w.args...)
	w.reset()
	switch {
	case taken(err): // nothing of the statement stays
		return w.flush()
	case err != nil:
		return err
	}
	w.waiting = w.waiting[:0]
	return nil
}

// taken reports whether a row was there already.
func taken(err error) bool {
	var fault sqlite3.Error
	return errors.As(err, &fault) && fault.Code == sqlite3.ErrConstraint
}

// flush inserts what waits, one by one, and adds what is there already.
func (w *sampleWriter) flush() error {
	for _, x := range w.waiting {
		if err := w.one(x.seq, x.sample); err != nil {
			return err
		}
	}
	w.reset()
	w.waiting = w.waiting[:0]
	return nil
}

func (w *sampleWriter) one(seq int64, s *service.Sample) error {
	w.reset()
	w.packer.add(seq, s)
	res, err := w.tx.ExecContext(w.ctx, `INSERT INTO `+w.table+insertColumns+insertRow+` ON CONFLICT DO NOTHING`, w.args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	key := []any{millis(s.Start), seq, s.Method, s.Width.Milliseconds()}
	const where = ` WHERE start_ms = ? AND version = ? AND method = ? AND width_ms = ?`
	rows, err := w.tx.QueryContext(w.ctx, `SELECT `+sampleColumns+` FROM `+w.table+` s JOIN versions v ON v.seq = s.version`+where, key...)
	there, err := collect(rows, err, scanSample)
	if err != nil {
		return err
	}
	if len(there) != 1 {
		return service.Errorf(service.ErrConflict, "a bucket of %s at %s has another width than %s", s.Service, s.Start, s.Width)
	}
	there[0].Add(s)
	w.reset()
	w.packer.add(seq, &there[0])
	_, err = w.tx.ExecContext(w.ctx, `REPLACE INTO `+w.table+insertColumns+insertRow, w.args...)
	return err
}

// Samples returns a service's samples as they were written, those that start at
// since or later and before until, in order of start, method and width. A zero
// until is without end. For a long time, ask [DB.Usage].
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
		rows, err := tx.QueryContext(ctx, samplesQuery, millis(since), end, seq)
		list, err = collect(rows, err, scanSample)
		return err
	})
	return list, err
}

// The key begins with the start, so the starts are walked one by one and the
// service is looked up at each.
const samplesQuery = `WITH RECURSIVE starts (ms) AS (
		SELECT min(start_ms) FROM samples WHERE start_ms >= ?1
		UNION ALL
		SELECT (SELECT min(start_ms) FROM samples WHERE start_ms > starts.ms) FROM starts WHERE starts.ms < ?2)
	SELECT ` + sampleColumns + ` FROM starts JOIN samples s ON s.start_ms = starts.ms AND s.version = ?3
		JOIN versions v ON v.seq = s.version
	WHERE starts.ms < ?2 ORDER BY s.start_ms, s.method, s.width_ms`

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
