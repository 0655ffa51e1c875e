package gateway

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// attempts is how often a call is sent at most.
const attempts = 3

// tried is what came of a call's attempts so far.
type tried struct {
	sent  int       // in which something may have been written
	since time.Time // of the first that could not be connected; zero: none
}

// elsewhere has another endpoint take a call that one has failed. It returns an
// error if the call is not to be sent again, or if none takes it in time. Where
// nothing was written, any number of endpoints may be tried for as long as calls
// wait for one: all instances of a node vanish together. The wait counts for none
// of the limits of a call that was passed on.
func (c *call) elsewhere(ctx context.Context, failure error) error {
	m := c.lease.m
	again := c.blame(m, c.lease.e, failure)
	wait := cmp.Or(c.limits.Wait.Duration, m.hold())
	if errors.As(failure, new(*dialError)) {
		if c.tried.since.IsZero() {
			c.tried.since = time.Now()
		}
		wait -= time.Since(c.tried.since)
	} else {
		c.tried.sent++
	}
	if !again || c.tried.sent == attempts || wait <= 0 {
		return failure
	}
	c.lease.release()
	defer c.clock.halt()()
	if err := c.tried.rest(ctx); err != nil {
		return failure
	}
	var err error
	c.lease, err = m.acquire(ctx, 0, wait, c.meter)
	return err
}

// firstRest is how long a call rests after it was cut off, before it is sent again:
// what has cut it off may be about to meet the other instances too.
const firstRest = 50 * time.Millisecond

// rest waits before the call is sent again, four times as long each time, and not
// always as long, so that calls that were cut off together do not come together.
func (t *tried) rest(ctx context.Context) error {
	if t.sent == 0 {
		return nil
	}
	most := firstRest << (2 * (t.sent - 1))
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// blame takes in that an endpoint failed a call and reports whether the call may
// be sent again.
func (c *call) blame(m *machine, e *endpoint, err error) bool {
	if errors.As(err, new(*dialError)) {
		m.eject(e, err)
		return true
	}
	m.doubt(e)
	return c.repeatable()
}

// repeatable reports whether the call may be made twice, and can be.
func (c *call) repeatable() bool {
	return c.method.Idempotent && (c.body == nil || c.body.all)
}
