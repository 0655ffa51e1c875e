package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ApproveDeveloper lets somebody register repositories.
func (db *DB) ApproveDeveloper(ctx context.Context, name, who string) error {
	return db.write(ctx, "approve developer "+name, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO developers (name, at_ms, who) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			name, millis(orNow(time.Time{})), who)
		return changed(ctx, tx, res, err, Entry{Who: who, Action: "approve", Detail: name})
	})
}

// RevokeDeveloper takes that back.
func (db *DB) RevokeDeveloper(ctx context.Context, name, who string) error {
	return db.write(ctx, "revoke developer "+name, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM developers WHERE name = ?`, name)
		return changed(ctx, tx, res, err, Entry{Who: who, Action: "revoke", Detail: name})
	})
}

// changed enters e in the audit trail if a statement changed anything.
func changed(ctx context.Context, tx *sql.Tx, res sql.Result, err error, e Entry) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return enter(ctx, tx, e)
}

// Approved reports whether somebody may register repositories.
func (db *DB) Approved(ctx context.Context, name string) (ok bool, err error) {
	err = db.read(ctx, "read developer "+name, func(tx *sql.Tx) error {
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT at_ms FROM developers WHERE name = ?`, name).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return ok, err
}
