package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	_ "github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestOpenKeepsWhatWasSaved(t *testing.T) {
	// A name that a DSN would misread if it were not escaped.
	path := filepath.Join(t.TempDir(), "odd ?mode=memory#%41 name", "dynsvc.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), path, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	want := save(t, db, version("A", "1.0.0", 1))
	check(t, db.Close(), nil)
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("a write-ahead log is left beside a closed database: %v", err)
	}
	got, err := openAt(t, path).Version(t.Context(), want.ID)
	check(t, err, nil)
	equal(t, got, want)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s = %v, want only the owner to read it", filepath.Base(name), info.Mode())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	check(t, os.WriteFile(text, []byte(strings.Repeat("not a database\n", 500)), 0o600), nil)
	foreign := filepath.Join(dir, "foreign.db")
	sqlFile(t, foreign, `CREATE TABLE bookmarks (url TEXT)`)
	newer := filepath.Join(dir, "newer.db")
	check(t, openAt(t, newer).AddAudit(t.Context(), store.Entry{Action: "scale"}), nil)
	sqlFile(t, newer, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)

	tests := []struct {
		name    string
		path    string
		option  store.Option
		wantErr error
		words   []string
	}{
		{"text", text, nil, service.ErrInvalid, []string{text, "not a SQLite database"}},
		{"another program's", foreign, nil, service.ErrInvalid, []string{foreign, "another program"}},
		{"newer schema", newer, nil, service.ErrConflict, []string{newer, "version 9999", "run the newer dynsvc"}},
		{"no folder", filepath.Join(dir, "none", "x.db"), nil, service.ErrUnavailable, []string{"does not exist"}},
		{"file as folder", filepath.Join(text, "x.db"), nil, service.ErrUnavailable, []string{"folder"}},
		{"folder not writable", "/proc/x.db", nil, service.ErrUnavailable, []string{"/proc cannot be written"}},
		{"folder as file", dir, nil, service.ErrUnavailable, []string{"directory"}},
		{"network", filepath.Join(dir, "x.db"), store.WithFileSystem("NFS"), service.ErrUnavailable, []string{"on NFS", "local disk"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var options []store.Option
			if tt.option != nil {
				options = append(options, tt.option)
			}
			_, err := store.Open(t.Context(), tt.path, hclog.NewNullLogger(), options...)
			check(t, err, tt.wantErr, tt.words...)
		})
	}
	for _, path := range []string{text, foreign} {
		if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
			t.Errorf("refusing %s left a file beside it: %v", path, err)
		}
	}
}

// sqlFile runs statements on a database file past the store.
func sqlFile(t testing.TB, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenOnNetworkFileSystemIfForced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(t.Context(), path, hclog.NewNullLogger(), store.WithFileSystem("NFS"), store.OnNetworkFileSystem())
	check(t, err, nil)
	check(t, db.Close(), nil)
}

func TestLocalFolderIsNotOnTheNetwork(t *testing.T) {
	name, err := store.NetworkFileSystem(t.TempDir())
	check(t, err, nil)
	if name != "" {
		t.Errorf("the temporary folder is said to be on %s", name)
	}
}

// Every connection, also one that is opened later, has the pragmas.
func TestPragmas(t *testing.T) {
	writer, reader := open(t).Handles()
	tests := []struct {
		name  string
		db    *sql.DB
		conns int
		want  map[string]string
	}{
		{"writer", writer, 1, map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "foreign_keys": "1",
			"synchronous": "2", "auto_vacuum": "2", "journal_size_limit": "67108864", "application_id": "1685288547"}},
		{"readers", reader, 4, map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "foreign_keys": "1", "query_only": "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.db.Stats().MaxOpenConnections; got != tt.conns {
				t.Fatalf("%d connections, want %d", got, tt.conns)
			}
			for range tt.conns {
				conn, err := tt.db.Conn(t.Context()) // kept, so that the next is another
				check(t, err, nil)
				t.Cleanup(func() { check(t, conn.Close(), nil) })
				for name, want := range tt.want {
					var got string
					check(t, conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got), nil)
					if got != want {
						t.Errorf("%s = %s, want %s", name, got, want)
					}
				}
			}
		})
	}
	if _, err := reader.ExecContext(t.Context(), `DELETE FROM audit`); err == nil {
		t.Error("a reader can write")
	}
}
