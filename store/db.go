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
	writer *sql.DB  // one connection
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

// write runs f in one transaction. doing is what an error text begins with.
func (db *DB) write(ctx context.Context, doing string, f func(tx *sql.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return refine(fmt.Errorf("%s: %w", doing, err))
	}
	if err := f(tx); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			err = errors.Join(err, rerr)
		}
		return explain(doing, err)
	}
	return explain(doing, tx.Commit())
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
	// Only rows of other, committed transactions are looked up: a version that
	// this transaction inserts has its number already.
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
