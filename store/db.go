package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
)

// DB is an open database. All methods may be called at the same time.
type DB struct {
	path   string
	log    hclog.Logger
	writer *writer
	reader *sql.DB  // read-only
	seqs   sync.Map // service.ID -> versions.seq (int64); versions are never deleted
}

// pageLimit is how many rows a list returns where the caller names no limit.
const pageLimit = 100

// Close waits for what is running and closes the file.
func (db *DB) Close() error {
	// The writer last: the last connection that may write folds the log back
	// into the database file.
	return errors.Join(db.reader.Close(), db.writer.Close())
}

// write runs f in a transaction, together with the changes of others that wait
// at the same moment: all of f is done, or nothing. doing is what an error text
// begins with. The context that f is given does not end. Where a transaction has
// to be taken back for another's sake f is run again, so it sets what it returns
// and adds to nothing that outlives it.
func (db *DB) write(ctx context.Context, doing string, f func(ctx context.Context, tx *sql.Tx) error) error {
	return explain(doing, db.writer.do(&change{ctx: ctx, f: f, told: make(chan bool, 1)}))
}

// writeMuch is write for what takes milliseconds and more: in a transaction of
// its own, so that nobody who came before waits for it.
func (db *DB) writeMuch(ctx context.Context, doing string, f func(ctx context.Context, tx *sql.Tx) error) error {
	return explain(doing, db.writer.do(&change{ctx: ctx, f: f, alone: true, told: make(chan bool, 1)}))
}

// undone forgets the numbers of versions that a transaction may have looked up
// which it had inserted itself.
func (db *DB) undone(err error) {
	db.seqs.Clear()
	db.log.Warn("took a transaction of several changes back, and makes them one by one", "error", err)
}

// read runs f on one snapshot.
func (db *DB) read(ctx context.Context, doing string, f func(tx *sql.Tx) error) error {
	tx, err := db.reader.BeginTx(ctx, nil)
	if err != nil {
		return refine(fmt.Errorf("%s: %w", doing, err))
	}
	err = f(tx)
	// Nothing was written, so there is nothing that a failed end could lose.
	if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
		err = errors.Join(err, rerr)
	}
	return explain(doing, err)
}

// explain says what was being done, but leaves a message for a person alone.
func explain(doing string, err error) error {
	if err == nil || errors.Is(err, service.ErrNotFound) || errors.Is(err, service.ErrConflict) || errors.Is(err, service.ErrInvalid) || errors.Is(err, service.ErrDenied) {
		return err
	}
	return refine(fmt.Errorf("%s: %w", doing, err))
}

// refine gives the kind ErrUnavailable to what the disk or another process did.
func refine(err error) error {
	var fault sqlite3.Error
	if !errors.As(err, &fault) {
		return err
	}
	switch fault.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return service.Errorf(service.ErrUnavailable, "%w", err)
	}
	return err
}

// collect reads all rows of a query through scan and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells it
	all := []T{}
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// seq looks up the number that stands for a version in other tables.
func (db *DB) seq(ctx context.Context, tx *sql.Tx, id service.ID) (int64, error) {
	if seq, ok := db.seqs.Load(id); ok {
		return seq.(int64), nil
	}
	var seq int64
	err := tx.QueryRowContext(ctx, `SELECT seq FROM versions WHERE id = ?`, id).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, service.Errorf(service.ErrNotFound, "no service %s is registered", id)
	}
	if err != nil {
		return 0, err
	}
	// The version may be another's who is in the same transaction: see undone.
	db.seqs.Store(id, seq)
	return seq, nil
}

// limited turns a caller's limit into one for SQL.
func limited(limit int) int {
	if limit <= 0 {
		return pageLimit
	}
	return limit
}

// millis and moment turn times into what is stored and back. The zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// orNow lets callers leave out a time that is now.
func orNow(t time.Time) time.Time {
	if t.IsZero() {
		t = time.Now()
	}
	return moment(millis(t))
}

// Ping reports whether the database answers a read.
func (db *DB) Ping(ctx context.Context) error {
	return db.read(ctx, "ping the database", func(tx *sql.Tx) error {
		var one int
		return tx.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	})
}
