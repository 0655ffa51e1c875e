package gateway

import "container/list"

// queue holds the calls that wait for an endpoint, first come first served. The
// machine's mutex guards it.
type queue struct {
	waiters list.List // of *waiter
	held    int64     // bytes of their bodies
}

// waiter is one call that waits.
type waiter struct {
	held   int64 // bytes of its body in memory
	cold   bool  // it waits for a start
	place  *list.Element
	answer chan answer // has room for the one answer
}

// answer is how waiting ends: with a lease, or without.
type answer struct {
	lease lease
	err   error
}

func (q *queue) len() int { return q.waiters.Len() }

func (q *queue) push(w *waiter) {
	w.place = q.waiters.PushBack(w)
	q.held += w.held
}

// pop takes out the one who has waited longest.
func (q *queue) pop() *waiter {
	w := q.waiters.Front().Value.(*waiter)
	q.remove(w)
	return w
}

// remove takes a waiter out and reports whether it was still in.
func (q *queue) remove(w *waiter) bool {
	if w.place == nil {
		return false
	}
	q.waiters.Remove(w.place)
	w.place = nil
	q.held -= w.held
	return true
}

// fail answers all waiters with err.
func (q *queue) fail(err error) {
	for q.len() > 0 {
		q.pop().answer <- answer{err: err}
	}
}
