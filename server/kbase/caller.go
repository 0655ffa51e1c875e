package kbase

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// users says who sent an Authorization header.
type users interface {
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
}

// sessions are the cookies in which browsers carry a token.
var sessions = []string{"kbase_session", "kbase_session_backup"}

// session returns the token in a request's cookie. A browser sends cookies along
// whatever page makes it call, so one that comes from a page of elsewhere is no word
// of its owner: foreign is that page's origin, and there is no token.
func (f *Facade) session(r *http.Request) (token, foreign string) {
	for _, name := range sessions {
		cookie, err := r.Cookie(name)
		if err != nil || cookie.Value == "" {
			continue
		}
		if f.pages.Check(r) != nil {
			return "", cmp.Or(r.Header.Get("Origin"), "another site")
		}
		return strings.Trim(cookie.Value, `"`), ""
	}
	return "", ""
}

// caller is who sent a request, as far as a method wants to know.
func (a *api) caller(r *http.Request, who degree) (service.Caller, error) {
	if who == anyone {
		return service.Caller{}, nil
	}
	token, foreign := r.Header.Get("Authorization"), ""
	if token == "" {
		token, foreign = a.session(r)
	}
	if token == "" {
		switch {
		case who == optional:
			return service.Caller{}, nil
		case foreign != "":
			return service.Caller{}, refusal("Authentication required for %s, and the session cookie is not taken from a page of %s: send the token in the Authorization header", a.module, foreign)
		}
		return service.Caller{}, refusal("Authentication required for %s but no authentication header was passed", a.module)
	}
	caller, err := a.Users.Authenticate(r.Context(), token)
	switch {
	case err != nil && who == optional:
		return service.Caller{}, nil
	case errors.Is(err, service.ErrUnavailable):
		// Not the caller's fault, and not to be taken for it.
		return service.Caller{}, refusal("The token could not be checked: %v", err)
	case err != nil:
		return service.Caller{}, refusal("Token validation failed: Error connecting to auth service: 401 Unauthorized\n10020 Invalid token")
	case who == admin && !caller.IsAdmin():
		return service.Caller{}, errDenied
	}
	return caller, nil
}

type askerKey struct{}

// asking notes how to find out who asks. Most modules are open to everybody, and
// then nobody is asked.
func asking(ctx context.Context, who func() service.Caller) context.Context {
	return context.WithValue(ctx, askerKey{}, sync.OnceValue(who))
}

// visible is what of a module somebody may see who asks from outside.
func visible(ctx context.Context, m service.Module) (service.Module, bool) {
	who, outside := ctx.Value(askerKey{}).(func() service.Caller)
	if !outside || !slices.ContainsFunc(m.Versions, func(v service.Version) bool { return !v.Access.Open() }) {
		return m, len(m.Versions) > 0
	}
	return m.VisibleTo(who())
}

// owns reports whether somebody may change a module: an admin, or who owns it. A token
// with scopes may no more than they say.
func owns(c service.Caller, m service.Module) bool {
	return c.Manages(m) || c.Known() && c.Scopes == nil && slices.Contains(m.Owners, c.Name)
}

// who names a caller in the audit trail.
func who(c service.Caller) string { return cmp.Or(c.Name, "kbase") }

// owning is a caller who may change a module because it owns it, whatever else its
// role lets it do.
func owning(c service.Caller) service.Caller {
	c.Role, c.Scopes = service.Admin, nil
	return c
}
