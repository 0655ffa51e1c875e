package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// How a random change ends.
const (
	good = iota
	refused
	panics
	endsTransaction // of all that are with it
	unfit           // to be committed
	leaves          // its caller may
	ways
)

// randomChange is a change of an account book. What it writes depends on what is
// there, so that another order gives another state.
type randomChange struct {
	number, way  int
	from, amount int
	alone        bool
}

var errRefused = errors.New("refused")

func (r randomChange) change(leave func()) job {
	return func(ctx context.Context, tx *sql.Tx) error {
		if r.way == leaves && r.amount%2 == 0 {
			leave()
		}
		var have int
		if err := tx.QueryRowContext(ctx, `SELECT amount FROM accounts WHERE id = ?`, r.from).Scan(&have); err != nil {
			return err
		}
		steps := []string{
			fmt.Sprintf(`INSERT INTO book (number, have) VALUES (%d, %d)`, r.number, have),
			fmt.Sprintf(`UPDATE accounts SET amount = (amount * 3 + %d) %% 9973 WHERE id = %d`, r.amount+have, r.from),
		}
		switch r.way {
		case endsTransaction:
			steps = append(steps, `ROLLBACK`)
		case unfit:
			steps = append(steps, `PRAGMA defer_foreign_keys = 1`, `INSERT INTO things (name, of) VALUES ('x', 'nobody')`)
		}
		if err := statements(steps...)(ctx, tx); err != nil {
			return err
		}
		switch r.way {
		case refused:
			return errRefused
		case panics:
			panic("by chance")
		}
		return nil
	}
}

// Changes of many callers at once, of which some fail in every way there is, leave
// what those that were acknowledged leave one after the other; each caller is told
// the truth about its own.
func TestTogetherIsAsOneAfterTheOther(t *testing.T) {
	const rounds, callers, each = 6, 12, 12
	for round := range uint64(rounds) {
		chance := rand.New(rand.NewPCG(round, 47)) //nolint:gosec // to be had again
		d := openBook(t)
		plans := make([][]randomChange, callers)
		done := map[int]randomChange{}
		for c := range plans {
			for i := range each {
				plans[c] = append(plans[c], draw(chance, c*each+i+1))
			}
		}
		var mu sync.Mutex // guards done
		var all sync.WaitGroup
		for _, plan := range plans {
			all.Go(func() {
				for _, r := range plan {
					if d.acknowledged(t, r) {
						mu.Lock()
						done[r.number] = r
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()

		order := d.list(t, `SELECT number FROM book ORDER BY place`)
		if len(order) != len(done) {
			t.Errorf("%d changes were acknowledged, and %d are there", len(done), len(order))
		}
		serial := openBook(t)
		for _, number := range order {
			r, ok := done[number]
			if !ok {
				t.Fatalf("change %d is there, and its caller was told that it is not", number)
			}
			r.way = good
			check(t, serial.Write(t.Context(), r.change(nothing)), nil)
		}
		for _, query := range []string{`SELECT number FROM book ORDER BY place`, `SELECT have FROM book ORDER BY place`, `SELECT amount FROM accounts ORDER BY id`} {
			if diff := cmp.Diff(serial.list(t, query), d.list(t, query)); diff != "" {
				t.Errorf("round %d: %s, one after the other and together:\n%s", round, query, diff)
			}
		}
		whole(t, d.DB)
		if t.Failed() {
			return
		}
	}
}

func draw(by *rand.Rand, number int) randomChange {
	r := randomChange{number: number, from: by.IntN(3), amount: by.IntN(1000), alone: by.IntN(10) == 0}
	if by.IntN(2) == 0 {
		r.way = by.IntN(ways)
	}
	return r
}

// acknowledged makes a change and says whether its caller was told that it is
// there. It fails if the caller was told what cannot be.
func (d *things) acknowledged(t *testing.T, r randomChange) bool {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	if r.way == leaves && r.amount%2 == 1 {
		go leave()
	}
	write := d.Write
	if r.alone {
		write = d.WriteMuch
	}
	var err error
	panicked := func() (v any) {
		defer func() { v = recover() }()
		err = write(ctx, r.change(leave))
		return nil
	}()
	if (panicked != nil) != (r.way == panics) {
		t.Errorf("change %+v: its caller panicked with %v", r, panicked)
	}
	ok := err == nil && panicked == nil
	switch r.way {
	case good:
		check(t, err, nil)
	case refused:
		check(t, err, errRefused)
	case leaves:
		if !ok {
			check(t, err, context.Canceled)
		}
	default:
		if ok {
			t.Errorf("change %+v was acknowledged", r)
		}
	}
	return ok
}

func openBook(t *testing.T) *things {
	t.Helper()
	d := openThings(t)
	check(t, d.Write(t.Context(), statements(
		`CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)`,
		`INSERT INTO accounts VALUES (0, 1), (1, 10), (2, 100)`,
		`CREATE TABLE book (place INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL UNIQUE, have INTEGER NOT NULL)`)), nil)
	return d
}

func (d *things) list(t *testing.T, query string) (list []int) {
	t.Helper()
	_, reader := d.Handles()
	rows, err := reader.QueryContext(t.Context(), query)
	check(t, err, nil)
	defer rows.Close() //nolint:errcheck // rows.Err tells it
	for rows.Next() {
		var n int
		check(t, rows.Scan(&n), nil)
		list = append(list, n)
	}
	check(t, rows.Err(), nil)
	return list
}
