package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dynsvc/dynsvc/service"
)

// Listing is how the catalog shows a module to KBase's clients.
type Listing struct {
	GitURL   string // empty: not from git
	Inactive bool   // left out of lists, registers nothing
	Deleted  bool   // not there
}

// SetListing stores how a registered module is shown. It is ErrConflict if the git
// URL is another module's: a repository holds one module for good.
func (db *DB) SetListing(ctx context.Context, module string, l Listing, who string) error {
	return db.write(ctx, "list module "+module, func(ctx context.Context, tx *sql.Tx) error {
		key := service.ModuleKey(module)
		var name string
		err := tx.QueryRowContext(ctx, `SELECT name FROM modules WHERE key = ?`, key).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return service.Errorf(service.ErrNotFound, "no module %s is registered", module)
		}
		if err != nil {
			return err
		}
		var other string
		err = tx.QueryRowContext(ctx, `SELECT module FROM listings WHERE git_url = ? AND git_url <> '' AND module <> ?`, l.GitURL, key).Scan(&other)
		if err == nil {
			return service.Errorf(service.ErrConflict, "the repository %s is that of module %s", l.GitURL, other)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		const set = `INSERT INTO listings (module, git_url, inactive, deleted) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET git_url = excluded.git_url, inactive = excluded.inactive, deleted = excluded.deleted`
		if _, err := tx.ExecContext(ctx, set, key, l.GitURL, l.Inactive, l.Deleted); err != nil {
			return err
		}
		detail := l.GitURL
		switch {
		case l.Deleted:
			detail += " deleted"
		case l.Inactive:
			detail += " inactive"
		}
		return enter(ctx, tx, Entry{Who: who, Action: "list", Module: name, Detail: detail})
	})
}

// Listings returns how modules are shown, by module key. Those without one are
// shown as any other.
func (db *DB) Listings(ctx context.Context) (map[string]Listing, error) {
	type row struct {
		key string
		Listing
	}
	listings := map[string]Listing{}
	err := db.read(ctx, "read listings", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT module, git_url, inactive, deleted FROM listings ORDER BY module`)
		all, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
			return r, rows.Scan(&r.key, &r.GitURL, &r.Inactive, &r.Deleted)
		})
		for _, r := range all {
			listings[r.key] = r.Listing
		}
		return err
	})
	return listings, err
}

// relist brings a module back that was deleted from KBase's catalog: what is
// registered again is there again.
func relist(ctx context.Context, tx *sql.Tx, module string) error {
	_, err := tx.ExecContext(ctx, `UPDATE listings SET deleted = 0 WHERE module = ? AND deleted = 1`, service.ModuleKey(module))
	return err
}
