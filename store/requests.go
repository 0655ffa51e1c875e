package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// The decisions on a release request.
const (
	Approved = "approved"
	Denied   = "denied"
)

// Request is somebody's wish to release a version.
type Request struct {
	ID        int64
	Module    string // as registered
	Service   service.ID
	At        time.Time
	Who       string
	Decision  string // Approved or Denied; empty: not yet
	DecidedAt time.Time
	DecidedBy string
	Message   string
}

// AddRequest asks for the release of a version. It is ErrConflict while another
// request of the module is open.
func (db *DB) AddRequest(ctx context.Context, id service.ID, who string) error {
	return db.write(ctx, "request release of "+string(id), func(ctx context.Context, tx *sql.Tx) error {
		v, err := oneVersion(ctx, tx, `WHERE v.id = ?`, id)
		if err != nil {
			return err
		}
		key := service.ModuleKey(v.Module)
		var open int64
		err = tx.QueryRowContext(ctx, `SELECT id FROM release_requests WHERE module = ? AND decision = ''`, key).Scan(&open)
		if err == nil {
			return service.Errorf(service.ErrConflict, "a release of %s is under review already", v.Module)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		const insert = `INSERT INTO release_requests (module, version, at_ms, who) VALUES (?, ?, ?, ?)`
		if _, err := tx.ExecContext(ctx, insert, key, seq, millis(orNow(time.Time{})), who); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{Who: who, Action: "request", Module: v.Module, Service: id, Detail: service.Release})
	})
}

// DecideRequest ends the open request r. Moving the tag is not its business.
func (db *DB) DecideRequest(ctx context.Context, r Request) error {
	return db.write(ctx, "review release of "+r.Module, func(ctx context.Context, tx *sql.Tx) error {
		now := orNow(time.Time{})
		const decide = `UPDATE release_requests SET decision = ?, decided_ms = ?, decided_by = ?, message = ?
			WHERE id = ? AND decision = ''`
		res, err := tx.ExecContext(ctx, decide, r.Decision, millis(now), r.DecidedBy, r.Message, r.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, service.Errorf(service.ErrConflict, "the request was decided meanwhile"))
		}
		return enter(ctx, tx, Entry{At: now, Who: r.DecidedBy, Action: "review", Module: r.Module, Service: r.Service, Detail: r.Decision})
	})
}

const selectRequest = `SELECT r.id, m.name, v.id, r.at_ms, r.who, r.decision, r.decided_ms, r.decided_by, r.message
	FROM release_requests r JOIN modules m ON m.key = r.module JOIN versions v ON v.seq = r.version `

// OpenRequests returns the requests that nobody has decided, oldest first.
func (db *DB) OpenRequests(ctx context.Context) ([]Request, error) {
	return db.requests(ctx, selectRequest+`WHERE r.decision = '' ORDER BY r.id`)
}

// LastRequest returns a module's newest request. ok is false where there was none.
func (db *DB) LastRequest(ctx context.Context, module string) (r Request, ok bool, err error) {
	all, err := db.requests(ctx, selectRequest+`WHERE r.module = ? ORDER BY r.id DESC LIMIT 1`, service.ModuleKey(module))
	if err != nil || len(all) == 0 {
		return Request{}, false, err
	}
	return all[0], true, nil
}

func (db *DB) requests(ctx context.Context, query string, args ...any) (all []Request, err error) {
	err = db.read(ctx, "read release requests", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		all, err = collect(rows, err, func(rows *sql.Rows) (r Request, err error) {
			var at, decided int64
			err = rows.Scan(&r.ID, &r.Module, &r.Service, &at, &r.Who, &r.Decision, &decided, &r.DecidedBy, &r.Message)
			r.At, r.DecidedAt = moment(at), moment(decided)
			return r, err
		})
		return err
	})
	return all, err
}
