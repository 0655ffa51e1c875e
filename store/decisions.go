package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// basis is the part of a decision that is read as a whole.
type basis struct {
	Winner    string             `json:"winner,omitempty"`
	Proposals []service.Proposal `json:"proposals,omitempty"`
	Caps      []service.Cap      `json:"caps,omitempty"`
	Alloc     string             `json:"alloc,omitempty"`
}

// AddDecision stores a decision before it is carried out and returns its id;
// ids ascend. A zero At is now; d.ID is of no account. Inputs that are no
// number (NaN, infinite) are left out.
func (db *DB) AddDecision(ctx context.Context, d service.Decision) (id int64, err error) {
	inputs := map[string]float64{}
	for name, x := range d.Inputs {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			inputs[name] = x
		}
	}
	numbers, err := json.Marshal(inputs)
	if err != nil {
		return 0, fmt.Errorf("encode inputs: %w", err)
	}
	why, err := json.Marshal(basis{d.Winner, d.Proposals, d.Caps, d.Alloc})
	if err != nil {
		return 0, fmt.Errorf("encode proposals: %w", err)
	}
	err = db.write(ctx, "add decision on "+string(d.Service), func(ctx context.Context, tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, d.Service)
		if err != nil {
			return err
		}
		const insert = `INSERT INTO decisions (version, at_ms, from_count, to_count, kind, reason, inputs, outcome, basis)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
		return tx.QueryRowContext(ctx, insert, seq, millis(orNow(d.At)), d.From, d.To, d.Kind, d.Reason,
			string(numbers), d.Outcome, string(why)).Scan(&id)
	})
	return id, err
}

// FinishDecision says what became of a decision. It is ErrConflict if something
// else was said of it before.
func (db *DB) FinishDecision(ctx context.Context, id int64, outcome string) error {
	return db.write(ctx, fmt.Sprintf("finish decision %d", id), func(ctx context.Context, tx *sql.Tx) error {
		var before string
		err := tx.QueryRowContext(ctx, `SELECT outcome FROM decisions WHERE id = ?`, id).Scan(&before)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return service.Errorf(service.ErrNotFound, "there is no decision %d", id)
		case err != nil:
			return err
		case before == outcome:
			return nil
		case before != "":
			return service.Errorf(service.ErrConflict, "decision %d ended already: %s", id, before)
		}
		_, err = tx.ExecContext(ctx, `UPDATE decisions SET outcome = ? WHERE id = ?`, outcome, id)
		return err
	})
}

const decisionColumns = `d.id, v.id, d.at_ms, d.from_count, d.to_count, d.kind, d.reason, d.inputs, d.outcome, d.basis`

const selectDecision = `SELECT ` + decisionColumns + `
	FROM decisions d JOIN versions v ON v.seq = d.version `

// Decisions returns the decisions on a service, or on all where id is empty,
// newest first: those older than the decision before, or from the newest where
// before is 0. limit <= 0 is 100.
func (db *DB) Decisions(ctx context.Context, id service.ID, before int64, limit int) (list []service.Decision, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = db.read(ctx, "read decisions", func(tx *sql.Tx) error {
		where, args := `WHERE d.id < ?`, []any{before}
		if id != "" {
			seq, err := db.seq(ctx, tx, id)
			if err != nil {
				return err
			}
			where, args = where+` AND d.version = ?`, append(args, seq)
		}
		rows, err := tx.QueryContext(ctx, selectDecision+where+` ORDER BY d.id DESC LIMIT ?`, append(args, limited(limit))...)
		list, err = collect(rows, err, scanDecision)
		return err
	})
	return list, err
}

// DecisionsSince returns the decisions of a kind since some time, oldest first.
func (db *DB) DecisionsSince(ctx context.Context, kind service.Kind, since time.Time) (list []service.Decision, err error) {
	err = db.read(ctx, "read decisions", func(tx *sql.Tx) error {
		// Ids ascend with time: the look back ends at the first one that is older.
		rows, err := tx.QueryContext(ctx, selectDecision+`WHERE d.kind = ? AND d.at_ms >= ? AND d.id >
			coalesce((SELECT id FROM decisions WHERE at_ms < ? ORDER BY id DESC LIMIT 1), 0) ORDER BY d.id`,
			kind, millis(since), millis(since))
		list, err = collect(rows, err, scanDecision)
		return err
	})
	return list, err
}

// LastDecisions returns the newest decision on each service that has one.
func (db *DB) LastDecisions(ctx context.Context) (map[service.ID]service.Decision, error) {
	last := map[service.ID]service.Decision{}
	err := db.read(ctx, "read last decisions", func(tx *sql.Tx) error {
		// A look-up a service: a GROUP BY would read every decision ever made.
		const query = `SELECT ` + decisionColumns + `
			FROM versions v JOIN decisions d
			ON d.id = (SELECT id FROM decisions WHERE version = v.seq ORDER BY id DESC LIMIT 1) ORDER BY v.seq`
		rows, err := tx.QueryContext(ctx, query)
		all, err := collect(rows, err, scanDecision)
		for _, d := range all {
			last[d.Service] = d
		}
		return err
	})
	return last, err
}

func scanDecision(rows *sql.Rows) (d service.Decision, err error) {
	var at int64
	var inputs, why []byte
	err = rows.Scan(&d.ID, &d.Service, &at, &d.From, &d.To, &d.Kind, &d.Reason, &inputs, &d.Outcome, &why)
	if err != nil {
		return d, err
	}
	d.At = moment(at)
	if err := json.Unmarshal(inputs, &d.Inputs); err != nil {
		return d, fmt.Errorf("decode inputs of decision %d: %w", d.ID, err)
	}
	var b basis
	if err := json.Unmarshal(why, &b); err != nil {
		return d, fmt.Errorf("decode proposals of decision %d: %w", d.ID, err)
	}
	d.Winner, d.Proposals, d.Caps, d.Alloc = b.Winner, b.Proposals, b.Caps, b.Alloc
	if len(d.Inputs) == 0 {
		d.Inputs = nil
	}
	return d, nil
}
