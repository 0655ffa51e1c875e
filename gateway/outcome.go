package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// outcome is how the call went, once it is over.
func (c *call) outcome(took time.Duration) outcome {
	o := outcome{took: took, passed: c.passed, cold: c.lease.cold != nil, status: c.status, out: c.bytesOut, caller: c.who()}
	if c.body != nil {
		o.in = c.body.read.Load()
	}
	o.ending, o.ill = c.ending()
	return o
}

// who tells callers apart: by name where it is known, else by address.
func (c *call) who() uint64 {
	if c.caller.Known() {
		return service.HashCaller(c.caller.Name)
	}
	return service.HashCaller(c.from.addr)
}

// ending is how a call ended that did not end well.
func (c *call) ending() (e service.Ending, ill bool) {
	if c.fault != nil {
		return endingOf(c.fault), true
	}
	if c.clock != nil && c.clock.silent.Load() {
		return service.EndedLate, true
	}
	switch late := (*lateError)(nil); {
	case c.over && c.status < http.StatusBadRequest && !c.broke:
		return 0, false
	case !c.over && errors.As(context.Cause(c.in.Context()), &late):
		return service.EndedLate, true
	case c.broke:
		return service.EndedBroken, true
	case c.status == statusGone:
		return service.EndedGone, true
	case c.status >= http.StatusInternalServerError:
		return service.EndedFailed, true
	}
	return service.EndedRefused, true
}

// endingOf is how a call ended that no service has answered.
func endingOf(err error) service.Ending {
	switch status := statusOf(err); {
	case status == statusGone:
		return service.EndedGone
	case errors.As(err, new(*fullError)), status == http.StatusTooManyRequests:
		return service.EndedShed
	case errors.As(err, new(*startError)):
		return service.EndedStart
	case status == http.StatusServiceUnavailable:
		return service.EndedStopped
	case status == http.StatusGatewayTimeout:
		return service.EndedLate
	case status >= http.StatusInternalServerError:
		return service.EndedBroken
	}
	return service.EndedRefused
}
