package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// limitsOf are the limits of a call, none above the operator's.
func (g *Gateway) limitsOf(v *service.Version, m *service.Method) service.Limits {
	l := v.LimitsOf(m)
	if g.opts.Maxima != (service.Limits{}) {
		l = l.Within(g.opts.Maxima)
	}
	return l
}

// clock ends a call that was passed on and takes longer than its limits, by
// ending its context with a [lateError] as the cause.
type clock struct {
	name   string // of the service, for a person
	method string
	limits service.Limits
	began  time.Time
	cancel context.CancelCauseFunc
	timer  *time.Timer

	body     *body        // nil: there is none
	answered atomic.Bool  // the answer has begun
	moved    atomic.Int64 // ns that it had taken at the last byte
	waited   atomic.Int64 // ns for which it stood still
	still    atomic.Bool  // it stands still
	messages bool         // idle counts the messages of a WebSocket: pings are none
	silent   atomic.Bool  // it was idle for too long
}

// took is how long the call has taken, but for what it waited for instances.
func (k *clock) took() time.Duration {
	return time.Since(k.began) - time.Duration(k.waited.Load())
}

// halt has the clock stand still while the call waits for another instance. The
// returned function has it go on.
func (k *clock) halt() (goOn func()) {
	if k == nil {
		return func() {}
	}
	k.still.Store(true)
	since := time.Now()
	return func() {
		k.waited.Add(int64(time.Since(since)))
		k.still.Store(false)
		if left := k.left(k.took()); left > 0 {
			k.timer.Reset(left)
		}
	}
}

// startClock returns nil where nothing limits the call.
func (c *call) startClock(ctx context.Context) (context.Context, *clock) {
	l, b := c.limits, c.body
	messages := l.Idle.Duration == 0 && c.g.opts.Silence > 0 && c.in.Header["Upgrade"] != nil && upgrades(c.in)
	if messages {
		l.Idle.Duration = c.g.opts.Silence
	}
	if b != nil && !b.all {
		b.pacer = c.pacer()
	}
	if l.FirstByte.Duration == 0 && l.Idle.Duration == 0 && l.Total.Duration == 0 && (b == nil || b.pacer == nil) {
		return ctx, nil
	}
	k := &clock{name: c.to.machine.name(), method: c.method.Name, limits: l, body: b, began: time.Now(), messages: messages}
	if b != nil {
		b.clock = k
	}
	ctx, k.cancel = context.WithCancelCause(ctx)
	first := k.left(0)
	if first <= 0 { // nothing to look at before the answer begins
		first = time.Duration(1<<63 - 1)
	}
	k.timer = time.AfterFunc(first, k.look)
	return ctx, k
}

// pacer is the measure of a caller's pace; nil: it may send as slowly as it likes.
func (c *call) pacer() *pacer {
	own := c.to.version.LimitsOf(&c.method)
	if c.g.opts.Pace.Bytes < 0 || own.Idle.Duration > 0 {
		return nil
	}
	return &pacer{owed: c.g.opts.Pace}
}

// deadline is when the call is given up at the latest; zero: never.
func (k *clock) deadline() time.Time {
	if k == nil || k.limits.Total.Duration == 0 {
		return time.Time{}
	}
	return k.began.Add(k.limits.Total.Duration + time.Duration(k.waited.Load()))
}

// left is how long after took the next limit may be passed; 0: none can be.
func (k *clock) left(took time.Duration) time.Duration {
	next := k.limits.Total.Duration
	sooner := func(at time.Duration) {
		if next == 0 || at < next {
			next = at
		}
	}
	moved := time.Duration(k.moved.Load())
	answered, sending := k.answered.Load(), k.sending()
	if first := k.limits.FirstByte.Duration; first > 0 && !answered {
		if sending { // it counts from the end of the body
			moved = max(moved, took)
		}
		sooner(moved + first)
	}
	if idle := k.limits.Idle.Duration; idle > 0 && (answered || sending) {
		sooner(time.Duration(k.moved.Load()) + idle)
	}
	if k.owing() {
		left, err := k.body.pacer.judge(time.Now())
		if err != nil {
			return time.Nanosecond
		}
		sooner(took + left)
	}
	if next == 0 {
		return 0
	}
	return max(next-took, time.Nanosecond)
}

// owing reports whether the caller has a pace to keep.
func (k *clock) owing() bool { return k.sending() && k.body.pacer != nil && !k.answered.Load() }

// sending reports whether some of the caller's body is still to come.
func (k *clock) sending() bool { return k.body != nil && !k.body.ended.Load() }

// look ends the call if it is late, else comes back when it can be.
func (k *clock) look() {
	if k.still.Load() {
		return // who has it go on looks again
	}
	took := k.took()
	late := func(doing, name string, limit time.Duration) {
		k.cancel(&lateError{name: k.name, doing: doing, limit: limit, which: name})
	}
	what := "the call"
	if k.method != "" {
		what = k.method
	}
	l := &k.limits
	answered, sending := k.answered.Load(), k.sending()
	since := took - time.Duration(k.moved.Load())
	switch {
	case l.Total.Duration > 0 && took >= l.Total.Duration:
		which := "total"
		if k.method != "" {
			which = "timeout"
		}
		late("did not answer "+what, which, l.Total.Duration)
	case !answered && !sending && l.FirstByte.Duration > 0 && since >= l.FirstByte.Duration:
		late("did not begin to answer "+what, "first_byte", l.FirstByte.Duration)
	case (answered || sending) && l.Idle.Duration > 0 && since >= l.Idle.Duration:
		k.silent.Store(true)
		late("and its caller exchanged no "+k.unit()+" of "+what, "idle", l.Idle.Duration)
	default:
		if k.owing() {
			if _, err := k.body.pacer.judge(time.Now()); err != nil {
				k.cancel(err)
				return
			}
		}
		if left := k.left(took); left > 0 {
			k.timer.Reset(left)
		}
	}
}

// unit is what the limit idle counts.
func (k *clock) unit() string {
	if k.messages {
		return "message"
	}
	return "byte"
}

// begin notes that the answer has begun.
func (k *clock) begin() {
	if k == nil {
		return
	}
	k.move()
	k.answered.Store(true)
	if left := k.left(time.Duration(k.moved.Load())); left > 0 {
		k.timer.Reset(left)
	}
}

// move notes that a byte came by.
func (k *clock) move() {
	if k != nil && (k.limits.Idle.Duration > 0 || k.limits.FirstByte.Duration > 0) {
		k.moved.Store(int64(k.took()))
	}
}

// stop ends the clock's work with that of the call.
func (k *clock) stop() {
	if k != nil {
		k.timer.Stop()
		k.cancel(nil)
	}
}
