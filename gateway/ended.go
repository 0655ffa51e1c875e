package gateway

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Ended is a call that ended, for a log. It has neither query, headers nor body:
// nothing in it is secret.
type Ended struct {
	Time      time.Time  `json:"time"` // when it began
	RequestID string     `json:"request_id"`
	Remote    string     `json:"remote"`        // address of who sent it
	Via       string     `json:"via,omitempty"` // of the proxy that it came through, if that is trusted to say who sent it
	User      string     `json:"user,omitempty"`
	HTTP      string     `json:"http"` // method
	Path      string     `json:"path"` // escaped, without the query
	Module    string     `json:"module,omitempty"`
	Version   string     `json:"version,omitempty"`
	Service   service.ID `json:"service,omitempty"`
	Method    string     `json:"method,omitempty"` // of a typed call, if the version declares it
	Alloc     string     `json:"alloc,omitempty"`  // the instance that it was passed on to last
	Status    int        `json:"status"`
	Ending    string     `json:"ending,omitempty"` // how it ended, where not well
	Cold      bool       `json:"cold,omitempty"`   // it waited for a start
	WaitedMS  float64    `json:"waited_ms"`        // until it was passed on, or refused
	TookMS    float64    `json:"took_ms"`
	BytesIn   int64      `json:"bytes_in"`
	BytesOut  int64      `json:"bytes_out"`
}

// tell reports the end of the call.
func (c *call) tell(o *outcome) {
	if c.g.opts.Ended == nil {
		return
	}
	waited := o.took
	if c.passed {
		waited = c.sentAt.Sub(c.began)
	}
	e := Ended{
		Time: c.began.UTC(), RequestID: c.requestID, Remote: c.in.RemoteAddr, User: c.caller.Name, HTTP: c.in.Method, Path: c.in.URL.EscapedPath(),
		Method: c.method.Name, Alloc: c.alloc, Status: o.status, Cold: o.cold, WaitedMS: ms(waited), TookMS: ms(o.took), BytesIn: o.in, BytesOut: o.out,
	}
	if c.from.proxied {
		e.Remote, e.Via = c.from.addr, c.in.RemoteAddr
	}
	if c.to != nil {
		e.Module, e.Version, e.Service = c.to.version.Module, c.to.version.Version, c.to.version.ID
	}
	if o.ill {
		e.Ending = o.ending.String()
	}
	c.g.opts.Ended(&e)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
