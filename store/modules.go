package store

import (
	"context"
	"database/sql"

	"github.com/dynsvc/dynsvc/service"
)

// Module returns a module with all its versions; letter case is of no account.
func (db *DB) Module(ctx context.Context, name string) (m service.Module, err error) {
	found := false
	err = db.modules(ctx, `WHERE m.key = ?`, []any{service.ModuleKey(name)}, func(one service.Module) error {
		m, found = one, true
		return nil
	})
	if err == nil && !found {
		err = service.Errorf(service.ErrNotFound, "no module %s is registered", name)
	}
	return m, err
}

// Modules returns a page of modules, with all their versions, in the order of
// their names in lower case: those after the named one, or from the first where
// after is empty. limit <= 0 is 100. A page shorter than the limit is the last.
func (db *DB) Modules(ctx context.Context, after string, limit int) ([]service.Module, error) {
	page := []service.Module{}
	args := []any{service.ModuleKey(after), limited(limit)}
	err := db.modules(ctx, `WHERE m.key IN (SELECT key FROM modules WHERE key > ? ORDER BY key LIMIT ?)`, args,
		func(m service.Module) error {
			page = append(page, m)
			return nil
		})
	return page, err
}

// AllModules calls f for each module, with all its versions, in the order of
// their names in lower case. It ends with the first error of f.
func (db *DB) AllModules(ctx context.Context, f func(service.Module) error) error {
	return db.modules(ctx, ``, nil, f)
}

// modules streams the modules that where selects: one at a time is in memory.
func (db *DB) modules(ctx context.Context, where string, args []any, f func(service.Module) error) error {
	return db.read(ctx, "read modules", func(tx *sql.Tx) error {
		tags, err := moduleTags(ctx, tx, where, args)
		if err != nil {
			return err
		}
		owners, err := moduleOwners(ctx, tx, where, args)
		if err != nil {
			return err
		}
		splits, err := moduleSplits(ctx, tx, where, args)
		if err != nil {
			return err
		}
		const query = `SELECT m.key, m.name, v.spec, v.registered_ms, v.registered_by, v.released
			FROM modules m JOIN versions v ON v.module = m.key `
		rows, err := tx.QueryContext(ctx, query+where+` ORDER BY m.key, v.seq DESC`, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells it

		var m service.Module
		var last string
		for rows.Next() {
			var key, name, by string
			var spec sql.RawBytes
			var at int64
			var released bool
			if err := rows.Scan(&key, &name, &spec, &at, &by, &released); err != nil {
				return err
			}
			v, err := decodeVersion(spec, at, by, released)
			if err != nil {
				return err
			}
			if key != last {
				if last != "" {
					if err := f(m); err != nil {
						return err
					}
				}
				last = key
				m = service.Module{Name: name, Owners: owners[key], Tags: tags[key], Splits: splits[key]}
				if m.Tags == nil {
					m.Tags = map[string]service.ID{}
				}
			}
			m.Versions = append(m.Versions, v)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if last == "" {
			return nil
		}
		return f(m)
	})
}

// moduleTags returns tag -> service id of the modules that where selects, by key.
func moduleTags(ctx context.Context, tx *sql.Tx, where string, args []any) (map[string]map[string]service.ID, error) {
	type row struct {
		key, tag string
		id       service.ID
	}
	const query = `SELECT t.module, t.tag, v.id FROM modules m
		JOIN tags t ON t.module = m.key JOIN versions v ON v.seq = t.version `
	rows, err := tx.QueryContext(ctx, query+where+` ORDER BY t.module, t.tag`, args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
		return r, rows.Scan(&r.key, &r.tag, &r.id)
	})
	if err != nil {
		return nil, err
	}
	tags := map[string]map[string]service.ID{}
	for _, r := range all {
		if tags[r.key] == nil {
			tags[r.key] = map[string]service.ID{}
		}
		tags[r.key][r.tag] = r.id
	}
	return tags, nil
}
