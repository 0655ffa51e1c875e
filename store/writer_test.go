package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// things is a database with a table for tests, and a count of what was committed.
type things struct {
	*store.DB
	commits atomic.Int64
}

func openThings(t *testing.T) *things {
	t.Helper()
	d := &things{DB: open(t)}
	writer, _ := d.Handles()
	_, err := writer.ExecContext(t.Context(), `CREATE TABLE things (name TEXT PRIMARY KEY, of TEXT REFERENCES things (name), filling BLOB)`)
	check(t, err, nil)
	c, err := writer.Conn(t.Context())
	check(t, err, nil)
	check(t, c.Raw(func(conn any) error {
		conn.(*sqlite3.SQLiteConn).RegisterCommitHook(func() int { d.commits.Add(1); return 0 })
		return nil
	}), nil)
	check(t, c.Close(), nil)
	return d
}

type job = func(ctx context.Context, tx *sql.Tx) error

func statements(queries ...string) job {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, q := range queries {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}
}

func thing(name string) job { return statements(`INSERT INTO things (name) VALUES ('` + name + `')`) }

// outcome is what one caller is told.
type outcome struct {
	err      error
	panicked any
}

func (d *things) outcome(ctx context.Context, f job) (o outcome) {
	defer func() { o.panicked = recover() }()
	return outcome{err: d.Write(ctx, f)}
}

// behind makes changes that all wait while another runs, in their order, and
// returns what each caller was told.
func (d *things) behind(t *testing.T, meanwhile func(), jobs ...job) []outcome {
	t.Helper()
	told := make([]outcome, len(jobs))
	var all sync.WaitGroup
	running, end := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		check(t, d.Write(t.Context(), func(context.Context, *sql.Tx) error {
			close(running)
			<-end
			return nil
		}), nil)
	})
	<-running
	for i, f := range jobs {
		all.Go(func() { told[i] = d.outcome(t.Context(), f) })
		d.waitFor(i + 1)
	}
	meanwhile()
	close(end)
	all.Wait()
	return told
}

func (d *things) waitFor(n int) {
	for d.Waiting() < n {
		runtime.Gosched()
	}
}

func (d *things) names(t *testing.T) (names []string) {
	t.Helper()
	_, reader := d.Handles()
	rows, err := reader.QueryContext(t.Context(), `SELECT name FROM things ORDER BY name`)
	check(t, err, nil)
	defer rows.Close() //nolint:errcheck // rows.Err tells it
	for rows.Next() {
		var name string
		check(t, rows.Scan(&name), nil)
		names = append(names, name)
	}
	check(t, rows.Err(), nil)
	return names
}

func (d *things) file(t *testing.T) (path string) {
	t.Helper()
	_, reader := d.Handles()
	check(t, reader.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path), nil)
	return path
}

func nothing() {}

// What waits at the same moment costs one transaction.
func TestWaitingChangesAreOneTransaction(t *testing.T) {
	d := openThings(t)
	for _, o := range d.behind(t, nothing, thing("a"), thing("b"), thing("c"), thing("d")) {
		check(t, o.err, nil)
	}
	equal(t, d.names(t), []string{"a", "b", "c", "d"})
	equal(t, d.commits.Load(), int64(2)) // theirs, and that of the one before them
}

// A change that fails is taken back alone; those beside it see nothing of it.
func TestFailedChangeIsTakenBackAlone(t *testing.T) {
	d := openThings(t)
	ours := errors.New("no")
	told := d.behind(t, nothing, thing("a"),
		func(ctx context.Context, tx *sql.Tx) error {
			check(t, thing("b")(ctx, tx), nil)
			return ours
		},
		thing("a"), // is there
		thing("b"), // is not there any more
		func(ctx context.Context, tx *sql.Tx) error {
			check(t, thing("c")(ctx, tx), nil)
			panic("at the disco")
		},
		thing("d"))
	for i, want := range []bool{true, false, false, true, false, true} {
		if ok := told[i].err == nil && told[i].panicked == nil; ok != want {
			t.Errorf("change %d: %+v", i, told[i])
		}
	}
	check(t, told[1].err, ours)
	if err, _ := told[4].panicked.(error); !errors.Is(err, store.ErrPanicked) || !strings.Contains(err.Error(), "at the disco") ||
		!strings.Contains(err.Error(), "writer_test.go") {
		t.Errorf("the panic became %v", told[4].panicked)
	}
	equal(t, d.names(t), []string{"a", "b", "d"})
	equal(t, d.commits.Load(), int64(2))
}

// A lone change that panics lets go of the database.
func TestLonePanicLeavesNothing(t *testing.T) {
	d := openThings(t)
	o := d.outcome(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		check(t, thing("a")(ctx, tx), nil)
		panic("at the disco")
	})
	if o.panicked == nil {
		t.Error("the caller did not panic")
	}
	check(t, d.Write(t.Context(), thing("b")), nil)
	equal(t, d.names(t), []string{"b"})
}

// What ends the transaction of all, or cannot be committed, is nobody's loss but
// its own: the others are made again.
func TestOneChangeCannotEndTheOthers(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  job
	}{
		{"taken back, as SQLite does for errors of the disk", statements(`INSERT INTO things (name) VALUES ('bad')`, `ROLLBACK`)},
		{"taken back, and on", statements(`INSERT INTO things (name) VALUES ('bad')`, `ROLLBACK`, `SELECT no such thing`)},
		{"not to be committed", statements(`PRAGMA defer_foreign_keys = 1`, `INSERT INTO things (name, of) VALUES ('bad', 'nobody')`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := openThings(t)
			told := d.behind(t, nothing, thing("a"), tt.bad, thing("a"), thing("b"))
			for i, want := range []bool{true, false, false, true} {
				if ok := told[i].err == nil; ok != want {
					t.Errorf("change %d: %+v", i, told[i])
				}
			}
			equal(t, d.names(t), []string{"a", "b"})
			check(t, d.Write(t.Context(), thing("c")), nil)
			whole(t, d.DB)
		})
	}
}

// A full disk is the error of what does not fit; what fits is stored.
func TestFullDisk(t *testing.T) {
	d := openThings(t)
	writer, _ := d.Handles()
	var pages int
	check(t, writer.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages), nil)
	var most int
	check(t, writer.QueryRowContext(t.Context(), `PRAGMA max_page_count = `+strconv.Itoa(pages+10)).Scan(&most), nil)
	told := d.behind(t, nothing, thing("a"), statements(`INSERT INTO things (name, filling) VALUES ('large', zeroblob(1000000))`), thing("b"))
	check(t, told[0].err, nil)
	check(t, told[1].err, service.ErrUnavailable)
	check(t, told[2].err, nil)
	equal(t, d.names(t), []string{"a", "b"})
	whole(t, d.DB)
}

// While nothing can be written everybody is told so, and it passes.
func TestNothingCanBeWritten(t *testing.T) {
	for _, tt := range []struct {
		name       string
		begin, end string // of it, by the writer and by another process
	}{
		{"read-only", `PRAGMA query_only = 1`, `PRAGMA query_only = 0`},
		{"another process writes", `PRAGMA busy_timeout = 1`, `PRAGMA busy_timeout = 5000`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := openThings(t)
			writer, _ := d.Handles()
			other, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "other.db"))
			check(t, err, nil)
			other.SetMaxOpenConns(1)
			defer func() { check(t, other.Close(), nil) }()
			if tt.name != "read-only" {
				_, err := other.ExecContext(t.Context(), `ATTACH ? AS theirs; BEGIN IMMEDIATE`, d.file(t))
				check(t, err, nil)
			}
			held, err := writer.Conn(t.Context()) // so that some wait together
			check(t, err, nil)
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() { check(t, d.Write(t.Context(), thing(string(rune('a'+i)))), service.ErrUnavailable) })
			}
			d.waitFor(3)
			_, err = held.ExecContext(t.Context(), tt.begin)
			check(t, err, nil)
			check(t, held.Close(), nil)
			all.Wait()
			_, err = writer.ExecContext(t.Context(), tt.end)
			check(t, err, nil)
			if tt.name != "read-only" {
				_, err := other.ExecContext(t.Context(), `ROLLBACK`)
				check(t, err, nil)
			}
			check(t, d.Write(t.Context(), thing("e")), nil)
			equal(t, d.names(t), []string{"e"})
		})
	}
}

// Who leaves while the change waits takes it back, and waits for nothing; a change
// that runs is finished.
func TestContextsThatEnd(t *testing.T) {
	d := openThings(t)
	ctx, cancel := context.WithCancel(t.Context())
	var left outcome
	running, end := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		mine, cancel := context.WithCancel(t.Context())
		check(t, d.Write(mine, func(ctx context.Context, tx *sql.Tx) error {
			cancel()
			close(running)
			<-end
			return thing("a")(ctx, tx)
		}), nil)
	})
	<-running
	var gone sync.WaitGroup
	gone.Go(func() { left = d.outcome(ctx, thing("left")) })
	d.waitFor(1)
	all.Go(func() { check(t, d.Write(t.Context(), thing("b")), nil) })
	d.waitFor(2)
	cancel()
	gone.Wait()
	check(t, left.err, context.Canceled)
	equal(t, d.Waiting(), 1)
	close(end)
	all.Wait()
	check(t, d.Write(ctx, thing("late")), context.Canceled)
	equal(t, d.names(t), []string{"a", "b"})
}

// Close makes what waits, and refuses what comes.
func TestCloseWhileChangesWait(t *testing.T) {
	d := openThings(t)
	path := d.file(t)
	var closed sync.WaitGroup
	told := d.behind(t, func() {
		closed.Go(func() { check(t, d.Close(), nil) })
		for !d.Closing() {
			runtime.Gosched()
		}
		check(t, d.Write(t.Context(), thing("late")), service.ErrUnavailable)
	}, thing("a"), thing("b"))
	closed.Wait()
	for _, o := range told {
		check(t, o.err, nil)
	}
	again := &things{DB: openAt(t, path)}
	equal(t, again.names(t), []string{"a", "b"})
}

// What takes long shares no transaction, so that nobody waits for it who came before.
func TestLongChangesAreAlone(t *testing.T) {
	d := openThings(t)
	var all sync.WaitGroup
	d.behind(t, func() {
		all.Go(func() { check(t, d.WriteMuch(t.Context(), thing("long")), nil) })
		d.waitFor(3)
		all.Go(func() {
			check(t, d.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				equal(t, d.commits.Load(), int64(3))
				return thing("c")(ctx, tx)
			}), nil)
		})
		d.waitFor(4)
	}, thing("a"), thing("b"))
	all.Wait()
	equal(t, d.names(t), []string{"a", "b", "c", "long"})
	equal(t, d.commits.Load(), int64(4))
}
