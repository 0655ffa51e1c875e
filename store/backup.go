package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
)

// Backup writes a copy of the database, as it is at one moment, to a file in an
// existing folder. Reads and writes go on meanwhile. The copy is whole or not
// there at all; an older copy of that name is replaced.
//
// To restore one: stop the agent, delete the database and the files with its
// name and -wal and -shm behind it, copy the backup to its place, start the
// agent. A write-ahead log left from the old file would destroy the new one.
func (db *DB) Backup(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	same, err := sameFile(path, db.path)
	if err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	if same {
		return service.Errorf(service.ErrInvalid, "a backup cannot replace the database %s itself: name another file", db.path)
	}
	// Empty and there already, so that only its owner can read it.
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return service.Errorf(service.ErrUnavailable, "back up database: %w", err)
	}
	err = errors.Join(db.copyTo(ctx, tmp.Name()), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(explain("back up database", err), os.Remove(tmp.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

func (db *DB) copyTo(ctx context.Context, path string) (err error) {
	// A connection of its own: the writer has other things to do, and those
	// that may only read cannot make the copy.
	src := sql.OpenDB(connector{dsn: dsn(db.path, "mode=rw&_busy_timeout=5000"), driver: &sqlite3.SQLiteDriver{}})
	defer func() { err = errors.Join(err, src.Close()) }()
	if _, err := src.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

func sameFile(a, b string) (bool, error) {
	ai, err := os.Stat(a)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	bi, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	return os.SameFile(ai, bi), nil
}

// syncFolder makes a new name in it survive loss of power.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
