package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/service"
)

const (
	roleKey      = "role"      // where an operation says which role it needs
	strangersKey = "strangers" // and where that a token nobody knows does not matter
)

// atLeast lets callers of a role and those above use an operation. Without it
// admins alone may: an operation that forgets to say so stays shut. What a caller
// may do to one module or service is asked by the operation itself.
func atLeast(role service.Role, op huma.Operation) huma.Operation {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[roleKey] = role
	return op
}

func roleOf(op *huma.Operation) service.Role {
	if role, ok := op.Metadata[roleKey].(service.Role); ok {
		return role
	}
	return service.Admin
}

// authorize finds out who asks, lets only those who may reach the operation, and
// leaves the caller in its context for [service.CallerOf].
func (a *api) authorize(ctx huma.Context, next func(huma.Context)) {
	caller, err := a.Callers.Authenticate(ctx.Context(), ctx.Header("Authorization"))
	need := roleOf(ctx.Operation())
	if strangers, _ := ctx.Operation().Metadata[strangersKey].(bool); strangers && errors.Is(err, service.ErrUnauthenticated) {
		caller, err = service.Caller{}, nil
	}
	switch {
	case err != nil:
	case caller.Role >= need:
		next(huma.WithContext(ctx, service.WithCaller(ctx.Context(), caller)))
		return
	case !caller.Known():
		err = service.Errorf(service.ErrUnauthenticated, "this needs a token of %s: Authorization: Bearer TOKEN", holders[need])
	default:
		err = service.Errorf(service.ErrDenied, "%s is %s, and this needs a token of %s", caller.Who(), holders[caller.Role], holders[need])
	}
	if errors.Is(err, service.ErrUnauthenticated) {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="dynsvc"`)
	}
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		a.log.Error("could not tell who asks", "operation", ctx.Operation().OperationID, "error", err)
		err = errors.New("dynsvc could not find out who asks; its log says why")
	}
	// Nothing is left to do when the answer cannot be written.
	_ = huma.WriteErr(a.huma, ctx, status, err.Error())
}

var holders = map[service.Role]string{service.User: "a user", service.Developer: "a developer", service.Admin: "an admin"}

// holder is whose a token is that came in a page's form or cookie. It is not ok where
// nobody knows the token.
func (a *api) holder(ctx context.Context, token string) (c service.Caller, ok bool) {
	c, err := a.Callers.Authenticate(ctx, "Bearer "+token)
	if err != nil || !c.Known() {
		return service.Caller{}, false
	}
	return c, true
}

// mayChange says whether who asks may change the module of a service.
func (a *api) mayChange(ctx context.Context, id service.ID) error {
	v, err := a.Store.Version(ctx, id)
	if err != nil {
		return err
	}
	m, err := a.Store.Module(ctx, v.Module)
	if err != nil {
		return err
	}
	return m.MayChange(service.CallerOf(ctx))
}

// who names who asks in what is stored.
func who(ctx context.Context) string {
	caller := service.CallerOf(ctx)
	return caller.Who()
}
