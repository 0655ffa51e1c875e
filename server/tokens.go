package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// NewToken is what a token is made from.
type NewToken struct {
	User    string   `json:"user,omitempty" doc:"whose it is; only admins make tokens for others; absent: who asks"`
	Scopes  []string `json:"scopes" minItems:"1" doc:"call:MODULE, call:*, register, register:MODULE, admin"`
	Note    string   `json:"note,omitempty" maxLength:"200" doc:"what it is for"`
	Expires string   `json:"expires,omitempty" doc:"from now, e.g. 720h; never, for admins; absent: the operator's default"`
}

// MadeToken is a new token. It cannot be read again.
type MadeToken struct {
	store.Token
	Secret string `json:"token" doc:"the token itself, shown this once"`
}

// TokenRef is the token that an operation is about.
type TokenRef struct {
	ID string `path:"id" doc:"id of the token, not the token itself"`
}

func (a *api) tokens() {
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "whoami", Method: http.MethodGet, Path: "/api/v1/whoami", Summary: "Who asks, with their role and the scopes of their token",
	}), func(ctx context.Context, _ *struct{}) (*body[service.Caller], error) {
		return &body[service.Caller]{service.CallerOf(ctx)}, nil
	})
	operation(a, atLeast(service.User, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/api/v1/tokens", DefaultStatus: http.StatusCreated,
		Summary: "Make a token; it is shown this once", BodyReadTimeout: readTimeout,
	}), a.createToken)
	operation(a, atLeast(service.User, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/api/v1/tokens", Summary: "One's own tokens, without themselves; an admin sees all",
	}), a.listTokens)
	operation(a, atLeast(service.User, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/api/v1/tokens/{id}", Summary: "End a token at once and for good",
	}), a.revokeToken)
	operation(a, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Summary: "Who did what, newest first",
	}, a.audit)
}

func (a *api) createToken(ctx context.Context, in *struct{ Body NewToken }) (*body[MadeToken], error) {
	want := auth.Wanted{User: in.Body.User, Scopes: in.Body.Scopes, Note: in.Body.Note}
	switch in.Body.Expires {
	case "":
	case "never":
		want.Expires = -1
	default:
		d, err := time.ParseDuration(in.Body.Expires)
		if err != nil || d <= 0 {
			return nil, service.Errorf(service.ErrInvalid, "expires is %q: write a duration such as 720h, or never", in.Body.Expires)
		}
		want.Expires = d
	}
	made, secret, err := a.Tokens.Create(ctx, service.CallerOf(ctx), want)
	if err != nil {
		return nil, err
	}
	return &body[MadeToken]{MadeToken{Token: made, Secret: secret}}, nil
}

func (a *api) listTokens(ctx context.Context, in *struct {
	User string `query:"user" doc:"only those of this user"`
}) (*body[[]store.Token], error) {
	tokens, err := a.Tokens.List(ctx, service.CallerOf(ctx), in.User)
	if err != nil {
		return nil, err
	}
	return &body[[]store.Token]{tokens}, nil
}

func (a *api) revokeToken(ctx context.Context, in *TokenRef) (*struct{}, error) {
	return nil, a.Tokens.Revoke(ctx, service.CallerOf(ctx), in.ID)
}

func (a *api) audit(ctx context.Context, in *struct {
	Before int64 `query:"before" doc:"id of the entry before which the page ends; 0: the newest page"`
	Limit  int   `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}) (*body[[]store.Entry], error) {
	entries, err := a.Store.Audit(ctx, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[[]store.Entry]{entries}, nil
}
