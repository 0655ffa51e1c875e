package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Hold keeps a service's count as somebody set it: the engine leaves it alone
// until the hold ends.
type Hold struct {
	Count int       `json:"count"`
	Until time.Time `json:"until"`
	Who   string    `json:"who,omitempty"` // a person, or what changed the count
}

// SetStopped stops a service or lets it start again, and enters a change in the
// audit trail. It says what is wanted; the count is another's to change.
func (db *DB) SetStopped(ctx context.Context, id service.ID, stopped bool, who string) error {
	action := "start"
	if stopped {
		action = "stop"
	}
	return db.write(ctx, action+" "+string(id), func(ctx context.Context, tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		const set = `INSERT INTO services (version, stopped) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET stopped = excluded.stopped WHERE stopped <> excluded.stopped`
		res, err := tx.ExecContext(ctx, set, seq, stopped)
		if err != nil {
			return err
		}
		if changed, err := res.RowsAffected(); err != nil || changed == 0 {
			return err
		}
		return enter(ctx, tx, Entry{Who: who, Action: action, Service: id})
	})
}

// Stopped returns the services that are stopped, each with true.
func (db *DB) Stopped(ctx context.Context) (map[service.ID]bool, error) {
	stopped := map[service.ID]bool{}
	err := db.read(ctx, "read stopped services", func(tx *sql.Tx) error {
		const query = `SELECT v.id FROM services s JOIN versions v ON v.seq = s.version WHERE s.stopped = 1 ORDER BY v.seq`
		rows, err := tx.QueryContext(ctx, query)
		ids, err := collect(rows, err, func(rows *sql.Rows) (id service.ID, err error) {
			return id, rows.Scan(&id)
		})
		for _, id := range ids {
			stopped[id] = true
		}
		return err
	})
	return stopped, err
}

// SetHold holds a service's count in place of an earlier hold. A hold whose
// Until is zero or past ends it.
func (db *DB) SetHold(ctx context.Context, id service.ID, h Hold) error {
	return db.write(ctx, "hold "+string(id), func(ctx context.Context, tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		const set = `INSERT INTO services (version, hold_count, hold_until_ms, hold_by) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET hold_count = excluded.hold_count,
			hold_until_ms = excluded.hold_until_ms, hold_by = excluded.hold_by`
		_, err = tx.ExecContext(ctx, set, seq, h.Count, millis(h.Until), h.Who)
		return err
	})
}

// Holds returns the holds that last longer than now.
func (db *DB) Holds(ctx context.Context, now time.Time) (map[service.ID]Hold, error) {
	type held struct {
		id   service.ID
		hold Hold
	}
	holds := map[service.ID]Hold{}
	err := db.read(ctx, "read holds", func(tx *sql.Tx) error {
		const query = `SELECT v.id, s.hold_count, s.hold_until_ms, s.hold_by FROM services s
			JOIN versions v ON v.seq = s.version WHERE s.hold_until_ms > ? ORDER BY v.seq`
		rows, err := tx.QueryContext(ctx, query, millis(now))
		all, err := collect(rows, err, func(rows *sql.Rows) (h held, err error) {
			var until int64
			err = rows.Scan(&h.id, &h.hold.Count, &until, &h.hold.Who)
			h.hold.Until = moment(until)
			return h, err
		})
		for _, h := range all {
			holds[h.id] = h.hold
		}
		return err
	})
	return holds, err
}
