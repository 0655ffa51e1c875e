package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Token is one of dynsvc's own tokens, without the token itself.
type Token struct {
	ID        string          `json:"id"`
	Hash      []byte          `json:"-"` // sha256 of the token
	User      string          `json:"user"`
	Scopes    []service.Scope `json:"scopes"`
	Note      string          `json:"note,omitempty"`
	CreatedAt time.Time       `json:"created_at"` // zero when added: now
	CreatedBy string          `json:"created_by"`
	ExpiresAt time.Time       `json:"expires_at,omitzero" doc:"absent: never"`
	RevokedAt time.Time       `json:"revoked_at,omitzero" doc:"absent: it was not"`
	RevokedBy string          `json:"revoked_by,omitempty"`
	UsedAt    time.Time       `json:"used_at,omitzero" doc:"up to a minute behind; absent: never"`
}

// AddToken stores a token and enters it in the audit trail.
func (db *DB) AddToken(ctx context.Context, t Token) error {
	scopes, err := json.Marshal(t.Scopes)
	if err != nil {
		return fmt.Errorf("encode scopes: %w", err)
	}
	return db.write(ctx, "add token "+t.ID, func(ctx context.Context, tx *sql.Tx) error {
		const insert = `INSERT INTO tokens (id, hash, user, scopes, note, created_ms, created_by, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		at := orNow(t.CreatedAt)
		if _, err := tx.ExecContext(ctx, insert, t.ID, t.Hash, t.User, string(scopes), t.Note, millis(at), t.CreatedBy, millis(t.ExpiresAt)); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{At: at, Who: t.CreatedBy, Action: "create-token", Detail: t.ID + " for " + t.User + ": " + joined(t.Scopes)})
	})
}

// RevokeToken ends a token for good and enters that in the audit trail. One that was
// revoked before stays as it is.
func (db *DB) RevokeToken(ctx context.Context, id, who string) error {
	return db.write(ctx, "revoke token "+id, func(ctx context.Context, tx *sql.Tx) error {
		at := orNow(time.Time{})
		const set = `UPDATE tokens SET revoked_ms = ?, revoked_by = ? WHERE id = ? AND revoked_ms = 0 RETURNING user`
		var user string
		err := tx.QueryRowContext(ctx, set, millis(at), who, id).Scan(&user)
		if errors.Is(err, sql.ErrNoRows) {
			return known(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		return enter(ctx, tx, Entry{At: at, Who: who, Action: "revoke-token", Detail: id + " of " + user})
	})
}

func known(ctx context.Context, tx *sql.Tx, id string) error {
	var one int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM tokens WHERE id = ?`, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return service.Errorf(service.ErrNotFound, "there is no token %s", id)
	}
	return err
}

// TouchTokens notes when tokens were last used, by their ids.
func (db *DB) TouchTokens(ctx context.Context, used map[string]time.Time) error {
	return db.write(ctx, "note use of tokens", func(ctx context.Context, tx *sql.Tx) error {
		for id, at := range used {
			if _, err := tx.ExecContext(ctx, `UPDATE tokens SET used_ms = max(used_ms, ?) WHERE id = ?`, millis(at), id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tokens returns all tokens, or those of one user, newest first.
func (db *DB) Tokens(ctx context.Context, user string) (tokens []Token, err error) {
	err = db.read(ctx, "read tokens", func(tx *sql.Tx) error {
		const query = `SELECT id, hash, user, scopes, note, created_ms, created_by, expires_ms, revoked_ms, revoked_by, used_ms
			FROM tokens WHERE ?1 = '' OR user = ?1 ORDER BY created_ms DESC, id`
		rows, err := tx.QueryContext(ctx, query, user)
		tokens, err = collect(rows, err, scanToken)
		return err
	})
	return tokens, err
}

func scanToken(rows *sql.Rows) (t Token, err error) {
	var scopes []byte
	var created, expires, revoked, used int64
	err = rows.Scan(&t.ID, &t.Hash, &t.User, &scopes, &t.Note, &created, &t.CreatedBy, &expires, &revoked, &t.RevokedBy, &used)
	if err != nil {
		return t, err
	}
	t.CreatedAt, t.ExpiresAt, t.RevokedAt, t.UsedAt = moment(created), moment(expires), moment(revoked), moment(used)
	if err := json.Unmarshal(scopes, &t.Scopes); err != nil {
		return t, fmt.Errorf("decode scopes of token %s: %w", t.ID, err)
	}
	return t, nil
}

// PruneTokens deletes the tokens that ended, by expiry or revocation, before a time,
// and returns how many they were.
func (db *DB) PruneTokens(ctx context.Context, before time.Time) (n int64, err error) {
	err = db.write(ctx, "delete old tokens", func(ctx context.Context, tx *sql.Tx) error {
		const query = `DELETE FROM tokens WHERE (expires_ms > 0 AND expires_ms < ?1) OR (revoked_ms > 0 AND revoked_ms < ?1)`
		res, err := tx.ExecContext(ctx, query, millis(before))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

func joined(scopes []service.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
