package gateway_test

import (
	"context"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// door knows callers by their tokens; those of admins are dynsvc's own.
type door map[string]service.Caller

func (d door) Authenticate(_ context.Context, authorization string) (service.Caller, error) {
	c, ok := d[strings.TrimPrefix(authorization, "Bearer ")]
	if !ok && authorization != "" {
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token is not known here, or no longer")
	}
	return c, nil
}

func (d door) Own(authorization string) bool {
	c := d[strings.TrimPrefix(authorization, "Bearer ")]
	return c.IsAdmin()
}
