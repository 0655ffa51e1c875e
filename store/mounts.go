package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// MountConfig is which folders of nodes a module's function gets. Names of modules
// are in lower case in what is stored by them.
type MountConfig struct {
	Module   string
	Function string // "service": the module as it runs here
	Group    string
	Mounts   []Mount
}

// Mount is one folder of a node in an instance.
type Mount struct {
	Host      string `json:"host"`
	Container string `json:"container"`
	ReadOnly  bool   `json:"read_only,omitempty"`
}

// SetMounts stores a configuration in place of an earlier one; without mounts it
// is removed.
func (db *DB) SetMounts(ctx context.Context, c MountConfig, who string) error {
	value, err := json.Marshal(c.Mounts)
	if err != nil {
		return fmt.Errorf("encode mounts: %w", err)
	}
	return db.write(ctx, "set mounts of "+c.Module, func(ctx context.Context, tx *sql.Tx) error {
		const set = `INSERT INTO mounts (module, function, client_group, value) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`
		args := []any{c.Module, c.Function, c.Group, string(value)}
		query := set
		if len(c.Mounts) == 0 {
			query, args = `DELETE FROM mounts WHERE module = ? AND function = ? AND client_group = ?`, args[:3]
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{Who: who, Action: "mount", Module: c.Module, Detail: c.Function + " " + c.Group + " " + string(value)})
	})
}

// Mounts returns the configurations that match what of the filter is not empty.
func (db *DB) Mounts(ctx context.Context, filter MountConfig) (all []MountConfig, err error) {
	err = db.read(ctx, "read mounts", func(tx *sql.Tx) error {
		const query = `SELECT module, function, client_group, value FROM mounts
			WHERE (?1 = '' OR module = ?1) AND (?2 = '' OR function = ?2) AND (?3 = '' OR client_group = ?3)
			ORDER BY module, function, client_group`
		rows, err := tx.QueryContext(ctx, query, filter.Module, filter.Function, filter.Group)
		all, err = collect(rows, err, func(rows *sql.Rows) (c MountConfig, err error) {
			var value []byte
			if err := rows.Scan(&c.Module, &c.Function, &c.Group, &value); err != nil {
				return c, err
			}
			return c, json.Unmarshal(value, &c.Mounts)
		})
		return err
	})
	return all, err
}

// GroupConfig is which groups of nodes a module's function is held to.
type GroupConfig struct {
	Module   string
	Function string
	Groups   []string
}

// SetGroups stores a configuration in place of an earlier one; without groups it
// is removed.
func (db *DB) SetGroups(ctx context.Context, c GroupConfig, who string) error {
	value, err := json.Marshal(c.Groups)
	if err != nil {
		return fmt.Errorf("encode groups: %w", err)
	}
	return db.write(ctx, "set client groups of "+c.Module, func(ctx context.Context, tx *sql.Tx) error {
		query := `INSERT INTO client_groups (module, function, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`
		args := []any{c.Module, c.Function, string(value)}
		if len(c.Groups) == 0 {
			query, args = `DELETE FROM client_groups WHERE module = ? AND function = ?`, args[:2]
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return enter(ctx, tx, Entry{Who: who, Action: "group", Module: c.Module, Detail: c.Function + " " + string(value)})
	})
}

// Groups returns the configurations that match what is not empty.
func (db *DB) Groups(ctx context.Context, module, function string) (all []GroupConfig, err error) {
	err = db.read(ctx, "read client groups", func(tx *sql.Tx) error {
		const query = `SELECT module, function, value FROM client_groups
			WHERE (?1 = '' OR module = ?1) AND (?2 = '' OR function = ?2) ORDER BY module, function`
		rows, err := tx.QueryContext(ctx, query, module, function)
		all, err = collect(rows, err, func(rows *sql.Rows) (c GroupConfig, err error) {
			var value []byte
			if err := rows.Scan(&c.Module, &c.Function, &value); err != nil {
				return c, err
			}
			return c, json.Unmarshal(value, &c.Groups)
		})
		return err
	})
	return all, err
}
