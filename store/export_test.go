package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// WithFileSystem stands in for the look at the real file system.
func WithFileSystem(name string) Option {
	return func(s *settings) { s.fileSystem = func(string) (string, error) { return name, nil } }
}

// WithSynchronous opens the file less safely, to measure what safety costs.
func WithSynchronous(level string) Option {
	return func(s *settings) { s.synchronous = level }
}

// Handles gives the writer and the readers.
func (db *DB) Handles() (writer, reader *sql.DB) { return db.writer.conn, db.reader }

// NetworkFileSystem is the look at the real file system.
var NetworkFileSystem = networkFileSystem

// The questions whose plans are tested.
const (
	MinutesQuery = minutesQuery
	HoursQuery   = hoursQuery
)

// FillHours gives each service so many hours like s, one after the other.
func (db *DB) FillHours(ctx context.Context, ids []service.ID, hours int, s service.Sample) error {
	return db.write(ctx, "fill hours", func(ctx context.Context, tx *sql.Tx) error {
		var p packer
		s.Width.Duration = time.Hour
		for _, id := range ids {
			seq, err := db.seq(ctx, tx, id)
			if err != nil {
				return err
			}
			p.reset()
			p.add(seq, &s)
			const rows = `WITH RECURSIVE hours (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hours WHERE n + 1 < ?20)
				INSERT INTO samples_hour SELECT ?1 + n * 3600000, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 FROM hours`
			if _, err := tx.ExecContext(ctx, rows, append(p.args, hours)...); err != nil {
				return err
			}
		}
		return setMark(ctx, tx, time.Hour, s.Start.Add(time.Duration(hours)*time.Hour))
	})
}

// Write and WriteMuch make any change.
func (db *DB) Write(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	return db.write(ctx, "test", f)
}

func (db *DB) WriteMuch(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	return db.writeMuch(ctx, "test", f)
}

// Waiting is how many changes wait for those that run.
func (db *DB) Waiting() int {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return len(db.writer.waiting)
}

// Closing says whether Close was called.
func (db *DB) Closing() bool {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return db.writer.closed
}

// ErrPanicked is in what a caller panics with whose change did.
var ErrPanicked = errPanicked
