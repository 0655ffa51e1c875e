package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.opentelemetry.io/otel/trace"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

// call is one request on its way through the gateway.
type call struct {
	g         *Gateway
	w         http.ResponseWriter
	in        *http.Request
	began     time.Time
	requestID string
	from      origin

	route    route
	body     *body // nil: it has none
	env      envelope
	to       *target        // nil: not found yet
	other    service.ID     // of to where it is not what the reference means for good; empty: it is
	method   service.Method // of a typed call; its zero value: none that the version declares
	limits   service.Limits
	clock    *clock         // nil: nothing limits the call, or it was not passed on
	caller   service.Caller // zero: anonymous, or nobody needs to know
	account  *account       // nil: nothing limits its caller
	meter    *meter         // nil: no service was found
	lease    lease
	tried    tried
	out      upstream.Request
	own      texts
	passed   bool       // it was passed on
	broke    bool       // the answer broke off
	begun    *begun     // not nil: the header of an event stream was sent before the service answered
	cut      bool       // the upload was cut off because nobody wants it any more
	status   int        // of the answer
	bytesOut int64      // of the answer's body
	fault    error      // why no service answered; nil: one did
	over     bool       // ServeHTTP came to its end
	answered bool       // by the gateway itself
	job      *jobCall   // nil: a client waits for the answer
	span     trace.Span // nil: nobody traces
	alloc    string     // the instance that it was sent to last
	sentAt   time.Time  // when it was passed on
}

// ServeHTTP serves everything under [Prefix] and [DynServ].
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{g: g, w: w, in: r, began: time.Now(), requestID: requestID(r.Header), from: g.opts.TrustedProxies.origin(r)}
	defer c.end() // also where a broken answer makes the proxy panic
	if err := c.serve(); err != nil && !errors.Is(err, errAnswered) {
		c.refuse(err)
	}
	c.over = true
}

func (c *call) serve() error {
	c.beginSpan()
	if err := c.find(); err != nil || c.answered {
		return err
	}
	if c.job == nil {
		if err := c.charge(); err != nil {
			return err
		}
	}
	if done, err := c.page(); done || err != nil {
		return err
	}
	waited := c.beginWait()
	err := c.acquire()
	if waited(err); err != nil {
		return err
	}
	if c.job != nil {
		if err := c.job.Sending(c.in.Context()); err != nil {
			return err
		}
	}
	c.passed, c.sentAt = true, time.Now()
	c.meter.begin(c.sentAt)
	ctx, clock := c.startClock(c.in.Context())
	if clock != nil {
		c.clock = clock
		c.in = c.in.WithContext(ctx)
	}
	if c.method.Idempotent && c.body != nil {
		if err := c.soon(c.body.keep); err != nil {
			return err
		}
	}
	c.forward()
	return nil
}

// charge counts the call as one of its caller's, if that may make another.
func (c *call) charge() (err error) {
	c.account, err = c.g.accounts.enter(c.caller, c.from.peer(), c.began)
	return err
}

// acquire waits for an endpoint.
func (c *call) acquire() (err error) {
	var held int64
	if c.body != nil {
		held = int64(len(c.body.kept))
	}
	m, ctx, limit := c.to.machine, c.in.Context(), c.limits.Wait.Duration
	if !m.takes() && c.wantsEvents() {
		c.lease, err = m.wait(ctx, held, limit, c.meter, c.beat)
	} else {
		c.lease, err = m.acquire(ctx, held, limit, c.meter)
	}
	return err
}

// find reads what is called.
func (c *call) find() error {
	r, ok := parseRoute(c.in.URL.EscapedPath())
	c.route = r
	if c.job == nil && !r.dynserv {
		c.share(c.w.Header())
		if preflight(c.in) {
			c.preflight()
			return errAnswered
		}
	}
	if err := c.peek(); err != nil {
		return err
	}
	if c.g.closing.Load() {
		return errClosing
	}
	if !ok {
		return service.Errorf(service.ErrNotFound, "there is nothing here: services are at %s{module}, %s{module}@{version} or %s{module}.{commit}", Prefix, Prefix, DynServ)
	}
	if verb, method := c.verb(); verb != noVerb {
		return c.async(verb, method)
	}
	means, err := c.g.resolve(r.module, r.ref)
	if err != nil {
		return err
	}
	to, other := means.pick(c.in)
	c.to, c.other = to, other
	if c.env.method != "" {
		var declared bool
		c.method, declared = to.version.Method(c.env.function())
		if !declared && to.version.Typed && c.env.function() != statusMethod && !r.dynserv {
			return &methodError{to.version, c.env.method}
		}
	}
	c.limits = c.g.limitsOf(to.version, &c.method)
	if c.job != nil {
		c.limits = c.job.limits(c.limits, c.method)
	}
	c.meter = to.machine.meters.of(c.method.Name)
	if err := c.identify(); err != nil {
		return err
	}
	return c.fit()
}

// statusMethod is answered by every module though no interface names it.
const statusMethod = "status"

// peek reads the envelope of what could be a typed call. It never looks at the
// Content-Type: clients send JSON under any.
func (c *call) peek() error {
	if c.job != nil {
		c.body, c.env = c.job.take()
		return nil
	}
	if c.in.ContentLength == 0 || c.in.Body == nil || c.in.Body == http.NoBody {
		return nil
	}
	c.body = &body{source: c.in.Body, length: c.in.ContentLength,
		budget: budget{all: &c.g.kept, most: c.g.opts.BodyBytes, timeout: c.g.opts.BodyTimeout}}
	if c.in.Method != http.MethodPost || !c.route.root() {
		return nil
	}
	return c.soon(func() (err error) {
		c.env, err = c.body.peek()
		return err
	})
}

// soon reads of the caller's body, and gives up on one that does not come: a
// caller that is slow to send may take its time only once it is passed on.
func (c *call) soon(read func() error) error {
	if c.body.here() {
		return read()
	}
	control := http.NewResponseController(c.w)
	bounded := control.SetReadDeadline(time.Now().Add(c.g.opts.BodyTimeout)) == nil
	err := read()
	if bounded && err == nil {
		err = control.SetReadDeadline(time.Time{})
	}
	return err
}

// refuse answers what no service answers.
func (c *call) refuse(err error) {
	// A body that does not come in time ends the context, as if its sender had left.
	if ctx := c.in.Context(); ctx.Err() != nil && !c.cut && !errors.As(err, new(*slowError)) {
		err = ended(ctx)
	}
	c.status, c.fault = statusOf(err), err
	if c.status >= http.StatusInternalServerError {
		level := hclog.Warn
		if known(err) {
			level = hclog.Debug
		}
		c.g.log.Log(level, "call failed", "request_id", c.requestID, "service", c.id(), "method", c.method.Name,
			"status", c.status, "took", time.Since(c.began).String(), "error", err)
	}
	if c.job != nil {
		return // whoever makes it reads the fault
	}
	if c.status == statusGone { // else net/http would say 200
		c.w.WriteHeader(c.status)
		return
	}
	if errors.As(err, new(*paceError)) && c.in.ProtoMajor == 1 {
		c.w.Header()["Connection"] = closing // or the server waits for the rest as slowly
	}
	if c.begun != nil {
		c.event(problemOf(err, c.name(), c.requestID, c.status))
		return
	}
	if c.route.dynserv && c.refusedDynServ() {
		return
	}
	refuse(c.w, c.env, err, c.name(), c.requestID, c.status)
}

// name is the service for a person, as far as it is known.
func (c *call) name() string {
	if c.to == nil {
		return c.route.module
	}
	return c.to.machine.name()
}

// end gives back what the call holds and counts it, however it ended.
func (c *call) end() {
	c.lease.release()
	c.account.leave()
	now := time.Now()
	took := now.Sub(c.began)
	if !c.over { // the answer had begun and was cut off
		c.status = statusGone
		switch late := new(lateError); {
		case errors.As(context.Cause(c.in.Context()), &late):
			c.status = http.StatusGatewayTimeout
		case c.broke:
			c.status = http.StatusBadGateway
		}
	}
	c.clock.stop()
	if c.body != nil {
		c.body.budget.free()
	}
	o := c.outcome(took)
	if c.meter != nil {
		c.meter.finish(now, &o)
	}
	c.tell(&o)
	c.endSpan(&o)
	if c.g.log.IsTrace() {
		c.g.log.Trace("call ended", "request_id", c.requestID, "service", c.id(), "method", c.method.Name,
			"status", c.status, "took", took.String())
	}
}

func (c *call) id() service.ID {
	if c.to == nil {
		return ""
	}
	return c.to.version.ID
}
