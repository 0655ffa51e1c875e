package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Options of an [Authenticator].
type Options struct {
	AdminToken string  // the operator's own; empty: there is none
	Tokens     *Tokens // dynsvc's own; nil: there are none
}

// Authenticator says who makes a request. Its methods may be called at once.
type Authenticator struct {
	admin hash // of Options.AdminToken
	opts  Options
}

// New returns an authenticator. It asks nobody anything yet.
func New(opts Options) *Authenticator {
	return &Authenticator{opts: opts, admin: hashOf(opts.AdminToken)}
}

// hash stands for a token wherever one is kept or compared.
type hash = [sha256.Size]byte

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

// Authenticate returns who sent an Authorization header; an empty one is anonymous.
// A token that is not good is [service.ErrUnauthenticated], and one that nobody
// could be asked about [service.ErrUnavailable].
func (a *Authenticator) Authenticate(_ context.Context, authorization string) (service.Caller, error) {
	if authorization == "" {
		return service.Caller{}, nil
	}
	token, ok := tokenOf(authorization)
	switch {
	case !ok:
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the Authorization header holds no token: write Authorization: Bearer TOKEN")
	case a.isAdminToken(token):
		return service.Operator("admin"), nil
	case strings.HasPrefix(token, ownPrefix) && a.opts.Tokens != nil:
		return a.opts.Tokens.verify(token, time.Now())
	}
	return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token is not known here, or no longer")
}

// Own reports whether an Authorization header holds a token of dynsvc itself, good or
// not and under whatever scheme. No service may see one.
func (a *Authenticator) Own(authorization string) bool {
	for word := range strings.FieldsSeq(authorization) {
		if strings.HasPrefix(word, ownPrefix) || a.isAdminToken(word) {
			return true
		}
	}
	return false
}

func (a *Authenticator) isAdminToken(token string) bool {
	got := hashOf(token) // hashes, so that the comparison tells nothing of the length either
	return a.opts.AdminToken != "" && subtle.ConstantTimeCompare(got[:], a.admin[:]) == 1
}

// tokenOf returns the token of an Authorization header: what follows Bearer or
// OAuth, or all of a header that is one word, as KBase's clients send it.
func tokenOf(authorization string) (token string, ok bool) {
	authorization = strings.TrimSpace(authorization)
	scheme, rest, two := strings.Cut(authorization, " ")
	if !two {
		return authorization, authorization != ""
	}
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return "", false
	}
	token = strings.TrimSpace(rest)
	return token, token != "" && !strings.ContainsAny(token, " \t,")
}
