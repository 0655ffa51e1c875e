package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Registration is a version to be saved, with what belongs to it.
type Registration struct {
	// Version needs its id, module and digest. RegisteredBy is who asks, also
	// for the tags. A zero RegisteredAt is now.
	Version service.Version
	Files   []File
	Tags    []string // moved to the version
	// Owner becomes an owner of a module that is new, and must be one of a module
	// that is not. Empty: neither, an admin registers.
	Owner string
}

// SaveVersion stores a version, its files and its tags in one transaction.
//
// Contents that the module has already are not stored again: the version that
// has them is returned, new is false, and only the tags move. It is ErrConflict
// if the module is registered in another letter case, if the semver was
// released (carried the tag beta or release at any time) with other contents,
// or if the service id belongs to other contents. The owners that the version names
// are added to the module's. A module that [Listing] calls deleted is no longer.
func (db *DB) SaveVersion(ctx context.Context, r Registration) (saved service.Version, isNew bool, err error) {
	v := r.Version
	if v.ID == "" || v.Module == "" || v.Digest == "" {
		return service.Version{}, false, service.Errorf(service.ErrInvalid, "a version needs an id, a module and a digest")
	}
	if err := checkFiles(r.Files); err != nil {
		return service.Version{}, false, err
	}
	v.RegisteredAt = orNow(v.RegisteredAt)
	v.Released = false
	err = db.writeMuch(ctx, "save version "+string(v.ID), func(ctx context.Context, tx *sql.Tx) error {
		newModule, err := saveModule(ctx, tx, v.Module)
		if err != nil {
			return err
		}
		if err := own(ctx, tx, r, newModule); err != nil {
			return err
		}
		seq, err := digestSeq(ctx, tx, v)
		if err != nil {
			return err
		}
		isNew = seq == 0
		if isNew {
			if seq, err = insertVersion(ctx, tx, r, v); err != nil {
				return err
			}
		}
		if err := relist(ctx, tx, v.Module); err != nil {
			return err
		}
		for _, tag := range r.Tags {
			to := tagMove{module: v.Module, tag: tag, seq: seq, who: v.RegisteredBy, at: v.RegisteredAt}
			if err := moveTag(ctx, tx, to); err != nil {
				return err
			}
		}
		saved, err = oneVersion(ctx, tx, `WHERE v.seq = ?`, seq)
		return err
	})
	if err != nil {
		return service.Version{}, false, err
	}
	return saved, isNew, nil
}

// saveModule makes the module's row where there is none.
func saveModule(ctx context.Context, tx *sql.Tx, module string) (isNew bool, err error) {
	key := service.ModuleKey(module)
	res, err := tx.ExecContext(ctx, `INSERT INTO modules (key, name) VALUES (?, ?) ON CONFLICT DO NOTHING`, key, module)
	if err != nil {
		return false, err
	}
	inserted, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	var name string
	if err := tx.QueryRowContext(ctx, `SELECT name FROM modules WHERE key = ?`, key).Scan(&name); err != nil {
		return false, err
	}
	return inserted > 0, checkSpelling(name, module)
}

// digestSeq finds the module's version with the same contents; 0: there is none.
func digestSeq(ctx context.Context, tx *sql.Tx, v service.Version) (seq int64, err error) {
	const query = `SELECT seq FROM versions WHERE module = ? AND digest = ?`
	err = tx.QueryRowContext(ctx, query, service.ModuleKey(v.Module), v.Digest).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// CheckVersion reports why SaveVersion would not take a version that is new: what it
// reports then is known before something costly is done for the version.
func (db *DB) CheckVersion(ctx context.Context, v service.Version) error {
	return db.read(ctx, "check version "+string(v.ID), func(tx *sql.Tx) error {
		var name string
		err := tx.QueryRowContext(ctx, `SELECT name FROM modules WHERE key = ?`, service.ModuleKey(v.Module)).Scan(&name)
		if err == nil {
			err = checkSpelling(name, v.Module)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return checkNew(ctx, tx, v)
	})
}

// checkSpelling refuses a second way to write a module's name.
func checkSpelling(name, module string) error {
	if name == module {
		return nil
	}
	return service.Errorf(service.ErrConflict,
		"the module is registered as %s: names that differ in letter case only are one module, so write it like that or choose another name", name)
}

func checkNew(ctx context.Context, tx *sql.Tx, v service.Version) error {
	other, err := oneVersion(ctx, tx, `WHERE v.id = ?`, v.ID)
	switch {
	case err == nil:
		return service.Errorf(service.ErrConflict,
			"the service id %s belongs to %s %s of commit %q already, with other contents: commit the change (or rename the module) and register again",
			v.ID, other.Module, other.Version, other.Commit)
	case !errors.Is(err, service.ErrNotFound):
		return err
	}
	return checkSemver(ctx, tx, v.Module, v.Version, 0)
}

func insertVersion(ctx context.Context, tx *sql.Tx, r Registration, v service.Version) (seq int64, err error) {
	if err := checkNew(ctx, tx, r.Version); err != nil {
		return 0, err
	}
	spec, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("encode spec: %w", err)
	}
	const insert = `INSERT INTO versions (id, module, semver, commit_hash, digest, registered_ms, registered_by, spec)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`
	err = tx.QueryRowContext(ctx, insert, v.ID, service.ModuleKey(v.Module), v.Version, v.Commit, v.Digest,
		millis(v.RegisteredAt), v.RegisteredBy, string(spec)).Scan(&seq)
	if err != nil {
		return 0, err
	}
	if err := insertFiles(ctx, tx, seq, r.Files); err != nil {
		return 0, err
	}
	return seq, enter(ctx, tx, Entry{At: v.RegisteredAt, Who: v.RegisteredBy, Action: "register",
		Module: v.Module, Service: v.ID, Detail: v.Version + " " + v.Digest})
}

// checkSemver refuses a semver that was released with contents other than those
// of the version seq.
func checkSemver(ctx context.Context, tx *sql.Tx, module, semver string, seq int64) error {
	v, err := oneVersion(ctx, tx, `WHERE v.module = ? AND v.semver = ? AND v.released = 1 AND v.seq <> ? ORDER BY v.seq LIMIT 1`,
		service.ModuleKey(module), semver, seq)
	if errors.Is(err, service.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return service.Errorf(service.ErrConflict,
		"%s %s was released on %s with other contents (%s): raise the version in the manifest and register again",
		v.Module, v.Version, v.RegisteredAt.Format(time.DateOnly), v.ID)
}

// Version returns a version by its service id.
func (db *DB) Version(ctx context.Context, id service.ID) (v service.Version, err error) {
	err = db.read(ctx, "read version "+string(id), func(tx *sql.Tx) error {
		v, err = oneVersion(ctx, tx, `WHERE v.id = ?`, id)
		return err
	})
	if errors.Is(err, service.ErrNotFound) {
		err = service.Errorf(service.ErrNotFound, "no service %s is registered", id)
	}
	return v, err
}

// VersionByDigest returns a module's version with the given contents.
func (db *DB) VersionByDigest(ctx context.Context, module, digest string) (v service.Version, err error) {
	err = db.read(ctx, "read version of "+module, func(tx *sql.Tx) error {
		v, err = oneVersion(ctx, tx, `WHERE v.module = ? AND v.digest = ?`, service.ModuleKey(module), digest)
		return err
	})
	if errors.Is(err, service.ErrNotFound) {
		err = service.Errorf(service.ErrNotFound, "%s has no version with the contents %s", module, digest)
	}
	return v, err
}

const selectVersion = `SELECT v.spec, v.registered_ms, v.registered_by, v.released FROM versions v `

// oneVersion returns the first version that the rest of the query selects.
func oneVersion(ctx context.Context, tx *sql.Tx, rest string, args ...any) (service.Version, error) {
	rows, err := tx.QueryContext(ctx, selectVersion+rest, args...)
	all, err := collect(rows, err, scanVersion)
	if err != nil {
		return service.Version{}, err
	}
	if len(all) == 0 {
		return service.Version{}, service.Errorf(service.ErrNotFound, "no such version is registered")
	}
	return all[0], nil
}

func scanVersion(rows *sql.Rows) (v service.Version, err error) {
	var spec []byte
	var at int64
	var by string
	var released bool
	if err := rows.Scan(&spec, &at, &by, &released); err != nil {
		return service.Version{}, err
	}
	return decodeVersion(spec, at, by, released)
}

// decodeVersion prefers the columns to what the JSON says of the same things.
func decodeVersion(spec []byte, at int64, by string, released bool) (v service.Version, err error) {
	if err := json.Unmarshal(spec, &v); err != nil {
		return service.Version{}, fmt.Errorf("decode spec: %w", err)
	}
	v.RegisteredAt, v.RegisteredBy, v.Released = moment(at), by, released
	return v, nil
}
