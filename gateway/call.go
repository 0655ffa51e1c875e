package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// call is one request on its way through the gateway.
type call struct {
	g         *Gateway
	w         http.ResponseWriter
	in        *http.Request
	began     time.Time
	requestID string

	route  route
	body   *body // nil: it has none
	env    envelope
	to     *target        // nil: not found yet
	other  service.ID     // of to where it is not what the reference means for good; empty: it is
	method service.Method // of a typed call; its zero value: none that the version declares
	limits service.Limits
	clock  *clock         // nil: nothing limits the call, or it was not passed on
	caller service.Caller // zero: anonymous, or nobody needs to know
	meter  *meter         // nil: no service was found
	lease  lease
	cutter *cutter // nil: nothing of the body is still to come
	passed bool    // it was passed on
	broke  bool    // the answer broke off
	status int     // of the answer
	over   bool    // ServeHTTP came to its end
}

// ServeHTTP serves everything under [Prefix] and [DynServ].
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{g: g, w: w, in: r, began: time.Now(), requestID: requestID(r.Header)}
	defer c.end() // also where a broken answer makes the proxy panic
	if err := c.serve(); err != nil {
		c.refuse(err)
	}
	c.over = true
}

func (c *call) serve() error {
	if err := c.find(); err != nil {
		return err
	}
	var held int64
	if c.body != nil {
		held = int64(len(c.body.kept))
	}
	var err error
	if c.lease, err = c.to.machine.acquire(c.in.Context(), held, c.limits.Wait.Duration, c.meter); err != nil {
		return err
	}
	c.passed = true
	c.meter.begin(time.Now())
	ctx, clock := startClock(c.in.Context(), c.to.machine.name(), c.method.Name, c.body, c.limits)
	if clock != nil {
		c.clock = clock
		c.in = c.in.WithContext(ctx)
	}
	if c.method.Idempotent && c.body != nil {
		if err := c.body.keep(); err != nil {
			return err
		}
	}
	c.forward()
	return nil
}

// find reads what is called.
func (c *call) find() error {
	r, ok := parseRoute(c.in.URL.EscapedPath())
	c.route = r
	if err := c.peek(); err != nil {
		return err
	}
	if c.g.closing.Load() {
		return errClosing
	}
	if !ok {
		return service.Errorf(service.ErrNotFound, "there is nothing here: services are at %s{module}, %s{module}@{version} or %s{module}.{commit}", Prefix, Prefix, DynServ)
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
	if c.in.ContentLength == 0 || c.in.Body == nil || c.in.Body == http.NoBody {
		return nil
	}
	c.body = &body{source: c.in.Body, length: c.in.ContentLength}
	if c.in.Method != http.MethodPost || !c.route.root() {
		return nil
	}
	var err error
	c.env, err = c.body.peek()
	return err
}

// refuse answers what no service answers.
func (c *call) refuse(err error) {
	if ctx := c.in.Context(); ctx.Err() != nil && !c.cutter.ended() {
		err = ended(ctx)
	}
	c.status = statusOf(err)
	if c.status >= http.StatusInternalServerError {
		level := hclog.Warn
		if known(err) {
			level = hclog.Debug
		}
		c.g.log.Log(level, "call failed", "request_id", c.requestID, "service", c.id(), "method", c.method.Name,
			"status", c.status, "took", time.Since(c.began).String(), "error", err)
	}
	if c.status == statusGone { // else net/http would say 200
		c.w.WriteHeader(c.status)
		return
	}
	name := c.route.module
	if c.to != nil {
		name = c.to.machine.name()
	}
	if c.route.dynserv && c.refusedDynServ() {
		return
	}
	refuse(c.w, c.env, err, name, c.requestID, c.status)
}

// end gives back what the call holds and counts it, however it ended.
func (c *call) end() {
	c.lease.release()
	if c.cutter != nil {
		c.cutter.end()
	}
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
	if c.meter != nil {
		c.meter.finish(now, took, c.passed, c.status >= http.StatusInternalServerError)
	}
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
