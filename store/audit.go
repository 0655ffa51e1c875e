package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Entry is one line of the audit trail: who did what, when. The store itself
// enters what it changes, in the transaction that does it: register, tag, stop, start,
// and what happens to owners and tokens.
type Entry struct {
	ID      int64      `json:"id"` // ascends with time
	At      time.Time  `json:"at"` // zero when added: now
	Who     string     `json:"who,omitempty"`
	Action  string     `json:"action"` // register, tag, start, stop, scale, add-owner, remove-owner, create-token, revoke-token
	Module  string     `json:"module,omitempty"`
	Service service.ID `json:"service,omitempty"`
	Detail  string     `json:"detail,omitempty"`
}

// AddAudit enters what somebody did elsewhere. e.ID is of no account.
func (db *DB) AddAudit(ctx context.Context, e Entry) error {
	return db.write(ctx, "add audit entry", func(ctx context.Context, tx *sql.Tx) error { return enter(ctx, tx, e) })
}

// Audit returns entries, newest first: those older than the entry before, or
// from the newest where before is 0. limit <= 0 is 100.
func (db *DB) Audit(ctx context.Context, before int64, limit int) (entries []Entry, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = db.read(ctx, "read audit trail", func(tx *sql.Tx) error {
		const query = `SELECT id, at_ms, who, action, module, service, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`
		rows, err := tx.QueryContext(ctx, query, before, limited(limit))
		entries, err = collect(rows, err, func(rows *sql.Rows) (e Entry, err error) {
			var at int64
			err = rows.Scan(&e.ID, &at, &e.Who, &e.Action, &e.Module, &e.Service, &e.Detail)
			e.At = moment(at)
			return e, err
		})
		return err
	})
	return entries, err
}

// enter adds an entry to the transaction that did what it tells.
func enter(ctx context.Context, tx *sql.Tx, e Entry) error {
	const insert = `INSERT INTO audit (at_ms, who, action, module, service, detail) VALUES (?, ?, ?, ?, ?, ?)`
	_, err := tx.ExecContext(ctx, insert, millis(orNow(e.At)), e.Who, e.Action, e.Module, e.Service, e.Detail)
	return err
}
