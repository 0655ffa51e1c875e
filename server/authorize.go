package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// authorize lets only the holder of the admin token reach an operation.
func (a *api) authorize(ctx huma.Context, next func(huma.Context)) {
	if !a.holdsToken(bearer(ctx.Header("Authorization"))) {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="dynsvc"`)
		// Nothing is left to do when the answer cannot be written.
		_ = huma.WriteErr(a.huma, ctx, http.StatusUnauthorized, "this needs the admin token: Authorization: Bearer TOKEN")
		return
	}
	next(ctx)
}

func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// holdsToken compares in constant time, whatever the lengths.
func (a *api) holdsToken(token string) bool {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.opts.Token))
	return a.opts.Token != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
