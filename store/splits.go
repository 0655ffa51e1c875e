package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// SetSplit sends a share of a tag's calls to a second version, in place of the
// split that the tag had; nil ends it. It is ErrNotFound if there is no such tag
// or version, and ErrInvalid if the version is another module's or the tag's own.
func (db *DB) SetSplit(ctx context.Context, module, tag string, s *service.Split, who string) error {
	return db.write(ctx, "split "+module+" "+tag, func(ctx context.Context, tx *sql.Tx) error {
		key := service.ModuleKey(module)
		var own service.ID
		const query = `SELECT v.id FROM tags t JOIN versions v ON v.seq = t.version WHERE t.module = ? AND t.tag = ?`
		switch err := tx.QueryRowContext(ctx, query, key, tag).Scan(&own); {
		case errors.Is(err, sql.ErrNoRows):
			return service.Errorf(service.ErrNotFound, "module %s has no tag %q to split", module, tag)
		case err != nil:
			return err
		}
		if s == nil {
			return endSplit(ctx, tx, tagMove{module: module, tag: tag, who: who, at: orNow(time.Time{})}, own)
		}
		if err := s.Validate(); err != nil {
			return err
		}
		to, err := oneVersion(ctx, tx, `WHERE v.id = ?`, s.To)
		switch {
		case err != nil:
			return err
		case service.ModuleKey(to.Module) != key:
			return service.Errorf(service.ErrInvalid, "%s is a version of %s, not of %s", to.ID, to.Module, module)
		case to.ID == own:
			return service.Errorf(service.ErrInvalid, "%s is what %s means already: name another version to share its calls with", to.ID, tag)
		}
		const set = `INSERT INTO splits (module, tag, version, percent, header, cookie)
			VALUES (?1, ?2, (SELECT seq FROM versions WHERE id = ?3), ?4, ?5, ?6)
			ON CONFLICT DO UPDATE SET version = excluded.version, percent = excluded.percent,
				header = excluded.header, cookie = excluded.cookie`
		if _, err := tx.ExecContext(ctx, set, key, tag, to.ID, s.Percent, s.Header, s.Cookie); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{At: orNow(time.Time{}), Who: who, Action: "split", Module: to.Module, Service: to.ID,
			Detail: fmt.Sprintf("%s, %d percent", tag, s.Percent)})
	})
}

// endSplit gives all calls of a tag to the version it means.
func endSplit(ctx context.Context, tx *sql.Tx, m tagMove, own service.ID) error {
	done, err := tx.ExecContext(ctx, `DELETE FROM splits WHERE module = ? AND tag = ?`, service.ModuleKey(m.module), m.tag)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return enter(ctx, tx, Entry{At: m.at, Who: m.who, Action: "split", Module: m.module, Service: own, Detail: m.tag + ", ended"})
}

// moduleSplits returns tag -> split of the modules that where selects, by key.
func moduleSplits(ctx context.Context, tx *sql.Tx, where string, args []any) (map[string]map[string]service.Split, error) {
	type row struct {
		key, tag string
		split    service.Split
	}
	const query = `SELECT s.module, s.tag, v.id, s.percent, s.header, s.cookie FROM modules m
		JOIN splits s ON s.module = m.key JOIN versions v ON v.seq = s.version `
	rows, err := tx.QueryContext(ctx, query+where+` ORDER BY s.module, s.tag`, args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
		return r, rows.Scan(&r.key, &r.tag, &r.split.To, &r.split.Percent, &r.split.Header, &r.split.Cookie)
	})
	if err != nil {
		return nil, err
	}
	splits := map[string]map[string]service.Split{}
	for _, r := range all {
		if splits[r.key] == nil {
			splits[r.key] = map[string]service.Split{}
		}
		splits[r.key][r.tag] = r.split
	}
	return splits, nil
}
