package store

import (
	"context"
	"database/sql"
	"time"
)

// Favourite is an app that somebody likes. Module is in lower case.
type Favourite struct {
	Module, App, Who string
	At               time.Time
}

// SetFavourite adds a favourite or, where on is false, takes it away.
func (db *DB) SetFavourite(ctx context.Context, f Favourite, on bool) error {
	return db.write(ctx, "set favourite of "+f.Who, func(ctx context.Context, tx *sql.Tx) error {
		if !on {
			_, err := tx.ExecContext(ctx, `DELETE FROM favourites WHERE module = ? AND app = ? AND who = ?`, f.Module, f.App, f.Who)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO favourites (module, app, who, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.Module, f.App, f.Who, millis(orNow(f.At)))
		return err
	})
}

// Favourites returns the favourites that match what of f is not empty.
func (db *DB) Favourites(ctx context.Context, f Favourite) (all []Favourite, err error) {
	err = db.read(ctx, "read favourites", func(tx *sql.Tx) error {
		const query = `SELECT module, app, who, at_ms FROM favourites
			WHERE (?1 = '' OR module = ?1) AND (?2 = '' OR app = ?2) AND (?3 = '' OR who = ?3) ORDER BY module, app, who`
		rows, err := tx.QueryContext(ctx, query, f.Module, f.App, f.Who)
		all, err = collect(rows, err, func(rows *sql.Rows) (f Favourite, err error) {
			var at int64
			err = rows.Scan(&f.Module, &f.App, &f.Who, &at)
			f.At = moment(at)
			return f, err
		})
		return err
	})
	return all, err
}
