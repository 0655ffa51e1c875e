package gateway

import (
	"context"
	"net/http"

	"github.com/dynsvc/dynsvc/service"
)

// headerUser names the caller to a service. Only the gateway sets it.
const headerUser = "X-Dynsvc-User"

// callers says who makes a call.
type callers interface {
	// Authenticate returns who sent an Authorization header. A token that is not
	// good is [service.ErrUnauthenticated].
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
	// Own reports whether the header holds a token of dynsvc, which no service may see.
	Own(authorization string) bool
}

// identify finds out who calls, where that matters to what is called, and whether
// they may. A public module that is called without a token costs nothing here.
func (c *call) identify() error {
	if c.job != nil { // it was let in when it was submitted
		c.caller = c.job.Caller
		return nil
	}
	need, v := c.authentication(), c.to.version
	authorization := c.in.Header["Authorization"]
	if c.g.opts.Callers == nil || v.Access.Open() && (need == service.NoAuthentication || len(authorization) == 0 && need != service.RequiredAuthentication) {
		return nil
	}
	refused := error(service.Errorf(service.ErrUnauthenticated, "Authentication required for %s but no authentication header was passed", v.Module))
	if len(authorization) == 1 {
		var err error
		if c.caller, err = c.g.opts.Callers.Authenticate(c.in.Context(), authorization[0]); err != nil {
			c.caller, refused = service.Caller{}, err
		}
	} else if len(authorization) > 1 {
		refused = service.Errorf(service.ErrInvalid, "there are %d Authorization headers: send one", len(authorization))
	}
	// Who is not known is anonymous where that is enough, as KBase's servers have it.
	if !c.caller.Known() && (need == service.RequiredAuthentication || !v.Access.Open()) {
		return refused
	}
	return c.to.module.Admit(c.caller, v)
}

// authentication is what the called method wants to know of its caller. What is no
// readable call, but is sent to where calls go, gets the strictest of the version's,
// because the service may read it otherwise.
func (c *call) authentication() service.Authentication {
	need := c.method.Authentication
	if c.env.method == "" && c.to.version.Typed && c.in.Method == http.MethodPost && c.route.root() {
		for _, m := range c.to.version.Methods {
			if m.Authentication == service.RequiredAuthentication {
				need = service.RequiredAuthentication
			}
		}
	}
	if c.g.opts.OpenCalls && need == service.RequiredAuthentication {
		return service.OptionalAuthentication
	}
	return need
}

// introduce tells the service who calls, and keeps dynsvc's own tokens from it.
// Other tokens pass: services check those of their callers themselves.
func (c *call) introduce(h http.Header) {
	if c.caller.Known() {
		h[headerUser] = []string{c.caller.Name}
	}
	if c.g.opts.Callers == nil {
		return
	}
	for _, value := range h["Authorization"] {
		if c.g.opts.Callers.Own(value) {
			delete(h, "Authorization")
			return
		}
	}
}
