package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TagMove is one change of a tag.
type TagMove struct {
	ID   int64      `json:"id"` // ascends with time
	Tag  string     `json:"tag"`
	From service.ID `json:"from,omitempty"` // empty: the module had no such tag
	To   service.ID `json:"to"`
	At   time.Time  `json:"at"`
	Who  string     `json:"who,omitempty"`
}

// SetTag moves a module's tag to one of its versions. It is ErrNotFound if there
// is no such version, ErrInvalid if it is another module's, and ErrConflict if
// the tag is beta or release and the semver was released with other contents.
func (db *DB) SetTag(ctx context.Context, module, tag string, id service.ID, who string) error {
	return db.write(ctx, "tag "+module+" "+tag, func(ctx context.Context, tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		return moveTag(ctx, tx, tagMove{module: module, tag: tag, seq: seq, who: who, at: orNow(time.Time{})})
	})
}

// TagHistory returns the moves of a module's tags, newest first: those older
// than the move before, or from the newest where before is 0. limit <= 0 is 100.
func (db *DB) TagHistory(ctx context.Context, module string, before int64, limit int) (moves []TagMove, err error) {
	err = db.read(ctx, "read tag history of "+module, func(tx *sql.Tx) error {
		const query = `SELECT m.id, m.tag, coalesce(f.id, ''), t.id, m.at_ms, m.who FROM tag_moves m
			LEFT JOIN versions f ON f.seq = m.from_version JOIN versions t ON t.seq = m.to_version
			WHERE m.module = ?1 AND (?2 = 0 OR m.id < ?2) ORDER BY m.id DESC LIMIT ?3`
		rows, err := tx.QueryContext(ctx, query, service.ModuleKey(module), before, limited(limit))
		moves, err = collect(rows, err, func(rows *sql.Rows) (m TagMove, err error) {
			var at int64
			err = rows.Scan(&m.ID, &m.Tag, &m.From, &m.To, &at, &m.Who)
			m.At = moment(at)
			return m, err
		})
		return err
	})
	return moves, err
}

// MovesSince returns the moves of tags from a time on, newest first, by the name of
// their module. A module's first tags are none.
func (db *DB) MovesSince(ctx context.Context, at time.Time) (map[string][]TagMove, error) {
	moves := map[string][]TagMove{}
	err := db.read(ctx, "read moves of tags", func(tx *sql.Tx) error {
		const query = `SELECT m.module, m.id, m.tag, f.id, t.id, m.at_ms, m.who FROM tag_moves m
			JOIN versions f ON f.seq = m.from_version JOIN versions t ON t.seq = m.to_version
			WHERE m.at_ms >= ? ORDER BY m.id DESC`
		rows, err := tx.QueryContext(ctx, query, millis(at))
		_, err = collect(rows, err, func(rows *sql.Rows) (m TagMove, err error) {
			var module string
			var at int64
			err = rows.Scan(&module, &m.ID, &m.Tag, &m.From, &m.To, &at, &m.Who)
			m.At = moment(at)
			moves[module] = append(moves[module], m)
			return m, err
		})
		return err
	})
	return moves, err
}

// tagMove is a tag's move to the version seq.
type tagMove struct {
	module, tag string
	seq         int64
	who         string
	at          time.Time
}

// moveTag moves a tag, keeps the move and enters it in the audit trail. A tag
// that is there already is left alone, but for a split that it had.
func moveTag(ctx context.Context, tx *sql.Tx, m tagMove) error {
	if err := service.ValidateTag(m.tag); err != nil {
		return err
	}
	to, err := oneVersion(ctx, tx, `WHERE v.seq = ?`, m.seq)
	if err != nil {
		return err
	}
	key := service.ModuleKey(to.Module)
	if key != service.ModuleKey(m.module) {
		return service.Errorf(service.ErrInvalid, "%s is a version of %s, not of %s", to.ID, to.Module, m.module)
	}
	var from sql.NullInt64
	var fromID string
	const current = `SELECT t.version, v.id FROM tags t JOIN versions v ON v.seq = t.version WHERE t.module = ? AND t.tag = ?`
	err = tx.QueryRowContext(ctx, current, key, m.tag).Scan(&from, &fromID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	m.module = to.Module
	if err := endSplit(ctx, tx, m, to.ID); err != nil {
		return err
	}
	if from.Valid && from.Int64 == m.seq {
		return nil
	}
	if (m.tag == service.Beta || m.tag == service.Release) && !to.Released {
		if err := markReleased(ctx, tx, m, to); err != nil {
			return err
		}
	}
	const set = `INSERT INTO tags (module, tag, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version`
	if _, err := tx.ExecContext(ctx, set, key, m.tag, m.seq); err != nil {
		return err
	}
	const keep = `INSERT INTO tag_moves (module, tag, from_version, to_version, at_ms, who) VALUES (?, ?, ?, ?, ?, ?)`
	if _, err := tx.ExecContext(ctx, keep, key, m.tag, from, m.seq, millis(m.at), m.who); err != nil {
		return err
	}
	detail := m.tag
	if fromID != "" {
		detail += ", was " + fromID
	}
	return enter(ctx, tx, Entry{At: m.at, Who: m.who, Action: "tag", Module: to.Module, Service: to.ID, Detail: detail})
}

// markReleased fixes the version's semver to its contents for good.
func markReleased(ctx context.Context, tx *sql.Tx, m tagMove, v service.Version) error {
	if err := checkSemver(ctx, tx, v.Module, v.Version, m.seq); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE versions SET released = 1 WHERE seq = ?`, m.seq)
	return err
}

// Releases returns the versions that carried the tag release at any time, of one
// module or, where none is named, of all, with when that was first.
func (db *DB) Releases(ctx context.Context, module string) (map[service.ID]time.Time, error) {
	type row struct {
		id service.ID
		at time.Time
	}
	releases := map[service.ID]time.Time{}
	err := db.read(ctx, "read releases", func(tx *sql.Tx) error {
		const query = `SELECT v.id, min(m.at_ms) FROM tag_moves m JOIN versions v ON v.seq = m.to_version
			WHERE m.tag = ?1 AND (?2 = '' OR m.module = ?2) GROUP BY v.seq ORDER BY v.seq`
		rows, err := tx.QueryContext(ctx, query, service.Release, service.ModuleKey(module))
		all, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
			var at int64
			err = rows.Scan(&r.id, &at)
			r.at = moment(at)
			return r, err
		})
		for _, r := range all {
			releases[r.id] = r.at
		}
		return err
	})
	return releases, err
}
