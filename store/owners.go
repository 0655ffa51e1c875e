package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// AddOwner makes a user an owner of a module and enters that in the audit trail.
func (db *DB) AddOwner(ctx context.Context, module, user, who string) error {
	return db.write(ctx, "add owner of "+module, func(ctx context.Context, tx *sql.Tx) error {
		if err := moduleThere(ctx, tx, module); err != nil {
			return err
		}
		added, err := insertOwner(ctx, tx, module, user)
		if err != nil || !added {
			return err
		}
		return enter(ctx, tx, Entry{Who: who, Action: "add-owner", Module: module, Detail: user})
	})
}

// RemoveOwner ends a user's ownership of a module and enters that in the audit trail.
func (db *DB) RemoveOwner(ctx context.Context, module, user, who string) error {
	return db.write(ctx, "remove owner of "+module, func(ctx context.Context, tx *sql.Tx) error {
		if err := moduleThere(ctx, tx, module); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM owners WHERE module = ? AND user = ?`, service.ModuleKey(module), user)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, service.Errorf(service.ErrNotFound, "%s is no owner of %s", user, module))
		}
		return enter(ctx, tx, Entry{Who: who, Action: "remove-owner", Module: module, Detail: user})
	})
}

func moduleThere(ctx context.Context, tx *sql.Tx, module string) error {
	var name string
	err := tx.QueryRowContext(ctx, `SELECT name FROM modules WHERE key = ?`, service.ModuleKey(module)).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return service.Errorf(service.ErrNotFound, "no module %s is registered", module)
	}
	return err
}

func insertOwner(ctx context.Context, tx *sql.Tx, module, user string) (added bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO owners (module, user) VALUES (?, ?) ON CONFLICT DO NOTHING`, service.ModuleKey(module), user)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// own adds the owners that a registration brings: those of its manifest and, of a
// new module, whoever registers it. Two who register a new name at once are told
// apart here: the second one is none of its owners.
func own(ctx context.Context, tx *sql.Tx, r Registration, isNew bool) error {
	owners := r.Version.Owners
	if r.Owner != "" {
		if isNew {
			owners = append(slices.Clone(owners), r.Owner)
		} else if have, err := moduleOwners(ctx, tx, `WHERE m.key = ?`, []any{service.ModuleKey(r.Version.Module)}); err != nil {
			return err
		} else if of := have[service.ModuleKey(r.Version.Module)]; !slices.Contains(of, r.Owner) {
			return service.Errorf(service.ErrDenied, "%s belongs to %s, not to %s: ask an owner", r.Version.Module, strings.Join(of, ", "), r.Owner)
		}
	}
	for _, user := range owners {
		if _, err := insertOwner(ctx, tx, r.Version.Module, user); err != nil {
			return err
		}
	}
	return nil
}

// moduleOwners returns the owners, by name, of the modules that where selects, by key.
func moduleOwners(ctx context.Context, tx *sql.Tx, where string, args []any) (map[string][]string, error) {
	type row struct{ key, user string }
	const query = `SELECT o.module, o.user FROM modules m JOIN owners o ON o.module = m.key `
	rows, err := tx.QueryContext(ctx, query+where+` ORDER BY o.module, o.user`, args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
		return r, rows.Scan(&r.key, &r.user)
	})
	if err != nil {
		return nil, err
	}
	owners := map[string][]string{}
	for _, r := range all {
		owners[r.key] = append(owners[r.key], r.user)
	}
	return owners, nil
}
