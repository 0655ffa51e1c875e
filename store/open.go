package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
)

// applicationID marks a file as ours in its SQLite header: "dsvc".
const applicationID = 0x64737663

type settings struct {
	networkFS   bool
	fileSystem  func(dir string) (string, error)
	synchronous string // FULL but in the benchmark that measures what it costs
}

// Option changes what [Open] insists on.
type Option func(*settings)

// OnNetworkFileSystem lets Open take a file on NFS, SMB, FUSE and the like.
// SQLite's locks are not to be relied on there: two processes can destroy the
// file, and what was acknowledged can be lost.
func OnNetworkFileSystem() Option {
	return func(s *settings) { s.networkFS = true }
}

// Open opens the database file, creates it where there is none, and brings its
// schema up to date. The folder must exist. The error says what to do where the
// folder cannot be written, the file is no database or another program's, its
// schema is newer than this program, or it lies on a network file system.
func Open(ctx context.Context, path string, log hclog.Logger, options ...Option) (*DB, error) {
	set := settings{fileSystem: networkFileSystem, synchronous: "FULL"}
	for _, o := range options {
		o(&set)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := checkFolder(filepath.Dir(path), set); err != nil {
		return nil, err
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	fresh, err := inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	db := &DB{
		path:   path,
		log:    log,
		reader: readHandle(path),
	}
	db.writer = &writer{conn: writeHandle(path, set.synchronous), undone: db.undone}
	if err := db.prepare(ctx, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	return db, nil
}

// prepare migrates the schema and makes every connection once, so that a pragma
// that did not take shows now.
func (db *DB) prepare(ctx context.Context, fresh bool) error {
	if fresh {
		mark := fmt.Sprintf("PRAGMA application_id = %d", applicationID)
		if _, err := db.writer.conn.ExecContext(ctx, mark); err != nil {
			return err
		}
	}
	if err := migrate(ctx, db.writer.conn, db.log); err != nil {
		return err
	}
	var conns []*sql.Conn
	var faults []error
	for range readers {
		c, err := db.reader.Conn(ctx)
		if err != nil {
			faults = append(faults, err)
			break
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		faults = append(faults, c.Close())
	}
	return errors.Join(faults...)
}

// checkFolder looks before SQLite does, whose "unable to open database file"
// does not tell a missing folder from one that may not be written.
func checkFolder(dir string, set settings) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return service.Errorf(service.ErrUnavailable, "the database's folder %s does not exist: create it or mount its volume", dir)
	case err != nil:
		return service.Errorf(service.ErrUnavailable, "the database's folder: %w", err)
	case !info.IsDir():
		return service.Errorf(service.ErrUnavailable, "%s is not a folder, so no database can be in it", dir)
	}
	// SQLite makes further files beside the database, so the folder itself must
	// be writable. Trying is the only test that knows read-only mounts as well.
	probe, err := os.CreateTemp(dir, ".dynsvc-*")
	if err != nil {
		return service.Errorf(service.ErrUnavailable, "the database's folder %s cannot be written: %w", dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return service.Errorf(service.ErrUnavailable, "the database's folder %s: %w", dir, err)
	}
	if set.networkFS {
		return nil
	}
	name, err := set.fileSystem(dir)
	if err != nil {
		return service.Errorf(service.ErrUnavailable, "the database's folder: %w", err)
	}
	if name != "" {
		return service.Errorf(service.ErrUnavailable,
			"the database's folder %s is on %s, where SQLite can lose data: use a local disk", dir, name)
	}
	return nil
}

// createFile makes the file where there is none: SQLite would make it readable
// for everybody. Its companions take over the mode.
func createFile(path string) error {
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return service.Errorf(service.ErrUnavailable, "the database cannot be opened: %w", err)
	}
	err = f.Close()
	if missing {
		// SQLite syncs what is in the file; its name is ours to sync.
		err = errors.Join(err, syncFolder(filepath.Dir(path)))
	}
	return err
}

// inspect says whether the file is new, and refuses what is not ours before
// anything is changed in it.
func inspect(ctx context.Context, path string) (fresh bool, err error) {
	db := sql.OpenDB(connector{dsn: dsn(path, "mode=rw&_busy_timeout=5000"), driver: &sqlite3.SQLiteDriver{}})
	defer func() { err = errors.Join(err, db.Close()) }()
	var id, tables int
	const query = `SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)`
	err = db.QueryRowContext(ctx, query).Scan(&id, &tables)
	var fault sqlite3.Error
	switch {
	case errors.As(err, &fault) && fault.Code == sqlite3.ErrNotADB:
		return false, service.Errorf(service.ErrInvalid, "%s is not a SQLite database: move it away or name another file", path)
	case err != nil:
		return false, refine(fmt.Errorf("open database %s: %w", path, err))
	case id == applicationID:
		return false, nil
	case id == 0 && tables == 0:
		return true, nil
	}
	return false, service.Errorf(service.ErrInvalid, "%s is a database of another program: name another file", path)
}
