package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// AddPolicy stores what an admin said of counts, enters it in the audit trail
// and returns its id. It does not look whether that makes sense.
func (db *DB) AddPolicy(ctx context.Context, p service.Policy) (id int64, err error) {
	rules, err := json.Marshal(p.Rules)
	if err != nil {
		return 0, fmt.Errorf("encode a policy: %w", err)
	}
	err = db.write(ctx, "add a policy of "+p.Module, func(ctx context.Context, tx *sql.Tx) error {
		var version sql.NullInt64
		if p.Service != "" {
			seq, err := db.seq(ctx, tx, p.Service)
			if err != nil {
				return err
			}
			version = sql.NullInt64{Int64: seq, Valid: true}
		}
		until := int64(0)
		if !p.Until.IsZero() {
			until = millis(p.Until)
		}
		const insert = `INSERT INTO policies (module, version, at_ms, until_ms, who, note, rules) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`
		err := tx.QueryRowContext(ctx, insert, service.ModuleKey(p.Module), version, millis(orNow(p.At)), until, p.Who, p.Note, string(rules)).Scan(&id)
		if err != nil {
			return err
		}
		return enter(ctx, tx, Entry{At: p.At, Who: p.Who, Action: "policy", Module: p.Module, Service: p.Service, Detail: p.Rules.String()})
	})
	return id, err
}

const selectPolicy = `SELECT p.id, m.name, coalesce(v.id, ''), p.at_ms, p.until_ms, p.who, p.note, p.rules
	FROM policies p JOIN modules m ON m.key = p.module LEFT JOIN versions v ON v.seq = p.version `

// Policies returns what was said of a module and its versions, newest first:
// what is older than the policy before, or from the newest where before is 0.
// limit <= 0 is 100.
func (db *DB) Policies(ctx context.Context, module string, before int64, limit int) (list []service.Policy, err error) {
	err = db.read(ctx, "read policies of "+module, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectPolicy+`WHERE p.module = ? AND (? = 0 OR p.id < ?) ORDER BY p.id DESC LIMIT ?`,
			service.ModuleKey(module), before, before, limited(limit))
		list, err = collect(rows, err, scanPolicy)
		return err
	})
	return list, err
}

// PoliciesInForce returns the newest policy of each module and service that has
// one which is not over and replaces anything, oldest first.
func (db *DB) PoliciesInForce(ctx context.Context, now time.Time) (list []service.Policy, err error) {
	err = db.read(ctx, "read policies in force", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectPolicy+`WHERE p.id IN (SELECT max(id) FROM policies GROUP BY module, version)
			AND (p.until_ms = 0 OR p.until_ms > ?) AND p.rules <> '{}' ORDER BY p.id`, millis(now))
		list, err = collect(rows, err, scanPolicy)
		return err
	})
	return list, err
}

func scanPolicy(rows *sql.Rows) (p service.Policy, err error) {
	var at, until int64
	var rules []byte
	if err := rows.Scan(&p.ID, &p.Module, &p.Service, &at, &until, &p.Who, &p.Note, &rules); err != nil {
		return p, err
	}
	p.At = moment(at)
	if until > 0 {
		p.Until = moment(until)
	}
	if err := json.Unmarshal(rules, &p.Rules); err != nil {
		return p, fmt.Errorf("decode policy %d: %w", p.ID, err)
	}
	return p, nil
}
