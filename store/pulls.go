package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// PullState is how far a pull is.
type PullState string

// The states of a pull.
const (
	PullQueued  PullState = "queued"
	PullRunning PullState = "running"
	PullDone    PullState = "done"
	PullFailed  PullState = "failed"
)

// Pull is one registration from a git repository.
type Pull struct {
	ID      int64      `json:"id"` // ascends with time
	URL     string     `json:"url"`
	Ref     string     `json:"ref,omitempty"` // empty: the repository's default branch
	Tag     string     `json:"tag"`
	Who     string     `json:"who"`
	State   PullState  `json:"state"`
	Commit  string     `json:"commit,omitempty"`
	Module  string     `json:"module,omitempty"`
	Service service.ID `json:"service,omitempty"`
	Error   string     `json:"error,omitempty"`
	Asked   time.Time  `json:"asked"`
	Ended   time.Time  `json:"ended,omitzero"`
}

// Name is the pull for other systems: when it was asked for, and its id.
func (p Pull) Name() string { return fmt.Sprintf("%d_%d", p.Asked.UnixMilli(), p.ID) }

// PullID is the id in a pull's name.
func PullID(name string) (id int64, ok bool) {
	_, number, _ := strings.Cut(name, "_")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil
}

// AddPull stores a pull that is asked for, and returns its id.
func (db *DB) AddPull(ctx context.Context, p Pull) (id int64, err error) {
	err = db.write(ctx, "add a pull of "+p.URL, func(ctx context.Context, tx *sql.Tx) error {
		const insert = `INSERT INTO pulls (url, ref, tag, who, state, asked_ms) VALUES (?, ?, ?, ?, ?, ?) RETURNING id`
		return tx.QueryRowContext(ctx, insert, p.URL, p.Ref, p.Tag, p.Who, p.State, millis(orNow(p.Asked))).Scan(&id)
	})
	return id, err
}

// SetPull stores how far a pull is: its state, commit, module, service, error and end.
func (db *DB) SetPull(ctx context.Context, p Pull) error {
	return db.write(ctx, "change a pull", func(ctx context.Context, tx *sql.Tx) error {
		const set = `UPDATE pulls SET state = ?, commit_hash = ?, module = ?, service = ?, error = ?, ended_ms = ? WHERE id = ?`
		_, err := tx.ExecContext(ctx, set, p.State, p.Commit, p.Module, p.Service, p.Error, millis(p.Ended), p.ID)
		return err
	})
}

// EndPulls fails the pulls that an agent left when it ended, and returns how many.
func (db *DB) EndPulls(ctx context.Context, why string) (n int64, err error) {
	err = db.write(ctx, "end pulls", func(ctx context.Context, tx *sql.Tx) error {
		const set = `UPDATE pulls SET state = ?, error = ?, ended_ms = ? WHERE ended_ms = 0`
		res, err := tx.ExecContext(ctx, set, PullFailed, why, millis(orNow(time.Time{})))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

const pullColumns = `id, url, ref, tag, who, state, commit_hash, module, service, error, asked_ms, ended_ms`

// Pull returns one pull, or [service.ErrNotFound].
func (db *DB) Pull(ctx context.Context, id int64) (p Pull, err error) {
	err = db.read(ctx, "read a pull", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+pullColumns+` FROM pulls WHERE id = ?`, id)
		all, err := collect(rows, err, scanPull)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return service.Errorf(service.ErrNotFound, "there is no registration %d", id)
		}
		p = all[0]
		return nil
	})
	return p, err
}

// Pulls returns pulls, newest first: those that somebody asked for, or all where who
// is empty; those older than before, or from the newest where before is 0. limit <= 0
// is 100.
func (db *DB) Pulls(ctx context.Context, who string, before int64, limit int) (all []Pull, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = db.read(ctx, "read pulls", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+pullColumns+` FROM pulls WHERE id < ?1 AND (?2 = '' OR who = ?2) ORDER BY id DESC LIMIT ?3`,
			before, who, limited(limit))
		all, err = collect(rows, err, scanPull)
		return err
	})
	return all, err
}

// PulledFrom returns the newest pull of each repository that gave a module,
// newest first.
func (db *DB) PulledFrom(ctx context.Context) (all []Pull, err error) {
	err = db.read(ctx, "read pulled repositories", func(tx *sql.Tx) error {
		const query = `SELECT ` + pullColumns + ` FROM pulls WHERE id IN
			(SELECT max(id) FROM pulls WHERE state = 'done' GROUP BY url) ORDER BY id DESC`
		rows, err := tx.QueryContext(ctx, query)
		all, err = collect(rows, err, scanPull)
		return err
	})
	return all, err
}

func scanPull(rows *sql.Rows) (p Pull, err error) {
	var asked, ended int64
	err = rows.Scan(&p.ID, &p.URL, &p.Ref, &p.Tag, &p.Who, &p.State, &p.Commit, &p.Module, &p.Service, &p.Error, &asked, &ended)
	p.Asked, p.Ended = moment(asked), moment(ended)
	return p, err
}
