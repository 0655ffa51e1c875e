package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

const (
	readers = 4 // connections for reads

	// A write-ahead log that once grew, behind a long read, is cut back to this.
	journalLimit = 64 << 20 // bytes
)

// writeHandle has one connection, whose transactions take the write lock when
// they begin. A deferred one that reads first and then writes fails at once
// with SQLITE_BUSY_SNAPSHOT, whatever the timeout.
func writeHandle(path, synchronous string) *sql.DB {
	params := url.Values{
		"mode":             {"rw"},
		"_auto_vacuum":     {"incremental"},
		"_journal_mode":    {"WAL"},
		"_busy_timeout":    {"5000"},
		"_foreign_keys":    {"1"},
		"_synchronous":     {synchronous},
		"_txlock":          {"immediate"},
		"_stmt_cache_size": {"64"},
	}
	level := map[string]string{"FULL": "2", "NORMAL": "1"}[synchronous]
	return handle(dsn(path, params.Encode()), 1, []pragma{
		{"journal_mode", "wal"},
		{"busy_timeout", "5000"},
		{"foreign_keys", "1"},
		{"synchronous", level},
		{"auto_vacuum", "2"},
	}, fmt.Sprintf("PRAGMA journal_size_limit = %d", journalLimit))
}

func readHandle(path string) *sql.DB {
	params := url.Values{
		"mode":             {"ro"},
		"_busy_timeout":    {"5000"},
		"_foreign_keys":    {"1"},
		"_query_only":      {"1"},
		"_stmt_cache_size": {"64"},
	}
	return handle(dsn(path, params.Encode()), readers, []pragma{
		{"journal_mode", "wal"},
		{"busy_timeout", "5000"},
		{"foreign_keys", "1"},
		{"query_only", "1"},
	}, "")
}

func dsn(path, params string) string {
	// Escaped, since a ? or # in a folder's name would end the path.
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + params
}

// A pragma and the value that a connection must report for it.
type pragma struct{ name, want string }

// handle opens no connection yet. Each that is opened later is asked for its
// pragmas, because they belong to a connection and a misspelt one is ignored.
func handle(dsn string, conns int, pragmas []pragma, also string) *sql.DB {
	d := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		for _, p := range pragmas {
			got, err := ask(c, "PRAGMA "+p.name)
			if err != nil {
				return fmt.Errorf("pragma %s: %w", p.name, err)
			}
			if got != p.want {
				return fmt.Errorf("pragma %s is %s and must be %s", p.name, got, p.want)
			}
		}
		if also == "" {
			return nil
		}
		_, err := c.Exec(also, nil)
		return err
	}}
	db := sql.OpenDB(connector{dsn: dsn, driver: d})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// ask returns the first column of the first row, as text.
func ask(c *sqlite3.SQLiteConn, query string) (string, error) {
	rows, err := c.Query(query, nil)
	if err != nil {
		return "", err
	}
	row := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(row)
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	if errors.Is(err, io.EOF) {
		return "nothing", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprint(row[0]), nil
}

// connector gives a driver of our own to database/sql without a global name.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }
