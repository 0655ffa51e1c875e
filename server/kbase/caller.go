package kbase

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// users says who sent an Authorization header.
type users interface {
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
}

// sessions are the cookies in which browsers carry a token.
var sessions = []string{"kbase_session", "kbase_session_backup"}

// caller is who sent a request, as far as a method wants to know.
func (a *api) caller(r *http.Request, who degree) (service.Caller, error) {
	if who == anyone {
		return service.Caller{}, nil
	}
	token := r.Header.Get("Authorization")
	for _, name := range sessions {
		if cookie, err := r.Cookie(name); err == nil && token == "" {
			token = strings.Trim(cookie.Value, `"`)
		}
	}
	if token == "" {
		if who == optional {
			return service.Caller{}, nil
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

// owns reports whether somebody may change a module: an admin, or who owns it.
func owns(c service.Caller, m service.Module) bool {
	return c.IsAdmin() || c.Known() && slices.Contains(m.Owners, c.Name)
}

// who names a caller in the audit trail.
func who(c service.Caller) string { return cmp.Or(c.Name, "kbase") }
