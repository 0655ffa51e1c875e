package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// groupLimit is how many changes one transaction has at most, so that none waits
// long for those that came after it.
const groupLimit = 128

// writer is the one place where changes are made. What waits at the same moment
// goes into one transaction and is synced once; each change is in a savepoint of
// its own, and nobody is answered before all of it is on disk.
//
// There is no goroutine and no timer: of those who wait the first leads. It runs
// what waits, passes the lead on to whoever came meanwhile, and answers. Who
// comes alone does all by itself and waits for nothing.
type writer struct {
	conn *sql.DB // one connection
	// undone is told why a transaction with changes of several callers was taken
	// back, before each of them is run by itself.
	undone func(error)

	mu      sync.Mutex // guards what follows
	waiting []*change  // in the order they came
	led     bool       // somebody leads: one of those who wait, or whose change runs
	closed  bool
	open    sync.WaitGroup // callers; none comes when closed
}

// change is what one caller wants done.
type change struct {
	ctx   context.Context //nolint:containedctx // the caller's, until the change begins
	f     func(context.Context, *sql.Tx) error
	alone bool // in a transaction of its own

	leads bool      // its caller is told to lead; guarded by writer.mu
	told  chan bool // one word for a caller who waits: true, lead; false, it is done

	err      error
	panicked error // not nil: f panicked
}

var (
	errClosed   = service.Errorf(service.ErrUnavailable, "the database is closed")
	errPanicked = errors.New("the change panicked")
)

// do makes a change and returns when it is on disk or nothing of it is. Until it
// begins, a ctx that ends takes it back; from then on it runs to its end.
func (w *writer) do(c *change) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	leads, err := w.enter(c)
	if err != nil {
		return err
	}
	defer w.open.Done()
	if leads || w.wait(c) {
		w.lead()
	}
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}

// enter has a change wait, and says whether its caller has to lead.
func (w *writer) enter(c *change) (leads bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, errClosed
	}
	w.open.Add(1)
	w.waiting = append(w.waiting, c)
	leads = !w.led
	w.led = true
	return leads, nil
}

// wait returns when the change is done, or its caller has to lead.
func (w *writer) wait(c *change) (leads bool) {
	select {
	case leads = <-c.told:
		return leads
	case <-c.ctx.Done():
	}
	if w.withdraw(c) {
		c.err = c.ctx.Err()
		return false
	}
	return <-c.told
}

// withdraw takes a change back that neither runs nor leads.
func (w *writer) withdraw(c *change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, c)
	if i < 0 || c.leads {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// lead runs the changes that wait. The first of them is the leader's own.
func (w *writer) lead() {
	group := w.take()
	w.run(group)
	w.passOn()
	for _, c := range group[1:] {
		c.told <- false
	}
}

func (w *writer) take() []*change {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 1
	for !w.waiting[0].alone && n < min(len(w.waiting), groupLimit) && !w.waiting[n].alone {
		n++
	}
	group := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	return group
}

func (w *writer) passOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.led = false
		return
	}
	w.waiting[0].leads = true
	w.waiting[0].told <- true
}

// run leaves each change's outcome in it.
func (w *writer) run(group []*change) {
	group = slices.DeleteFunc(slices.Clone(group), func(c *change) bool {
		c.err = c.ctx.Err()
		return c.err != nil
	})
	if len(group) > 1 {
		err := w.together(group)
		if err == nil {
			return
		}
		w.undone(err)
	}
	for _, c := range group {
		c.err = w.single(c)
	}
}

// together runs changes in one transaction. Where it returns an error nothing of
// them is left, and none has an outcome: one of them ended the transaction for
// all, or the disk did not take them together.
func (w *writer) together(group []*change) error {
	// No statement is ever interrupted: SQLite would take the whole transaction
	// back, the others' changes with it.
	ctx := context.Background()
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		for _, c := range group { // it is nobody's doing, and would meet each again
			c.err = err
		}
		return nil
	}
	for _, c := range group {
		if err := c.within(ctx, tx); err != nil {
			_ = tx.Rollback() // it is over already where SQLite ended it
			return err
		}
	}
	return tx.Commit()
}

// within runs a change in a savepoint. It returns an error if the transaction
// cannot go on; that of the change is in the change.
func (c *change) within(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT change"); err != nil {
		return err
	}
	end := "RELEASE change"
	if c.err = c.run(ctx, tx); c.err != nil {
		end = "ROLLBACK TO change; RELEASE change"
	}
	// There is no savepoint any more where SQLite took the transaction back, as
	// it does for some errors of the disk.
	if _, err := tx.ExecContext(ctx, end); err != nil {
		return errors.Join(c.err, err)
	}
	return nil
}

// single runs a change in a transaction of its own.
func (w *writer) single(c *change) error {
	ctx := context.Background()
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := c.run(ctx, tx); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			err = errors.Join(err, rerr)
		}
		return err
	}
	return tx.Commit()
}

// run calls f. Its panic is kept for its own caller.
func (c *change) run(ctx context.Context, tx *sql.Tx) (err error) {
	c.panicked = nil
	defer func() {
		if v := recover(); v != nil {
			c.panicked = fmt.Errorf("%w: %v\n%s", errPanicked, v, debug.Stack())
			err = errPanicked
		}
	}()
	return c.f(ctx, tx)
}

// Close refuses what comes, and waits for what came before.
func (w *writer) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.open.Wait()
	return w.conn.Close()
}
