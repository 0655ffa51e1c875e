package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// Options of an [Authenticator].
type Options struct {
	AdminToken string  // the operator's own; empty: there is none
	Tokens     *Tokens // dynsvc's own; nil: there are none
	OIDC       []*OIDC // OpenID providers
	KBase      *KBase  // KBase's auth service; nil: there is none

	// Developers and Admins have that role at least, where another service vouches
	// for their names.
	Developers, Admins []string

	Keep  time.Duration // longest a verdict of another service is kept; 0: 5 minutes
	Retry time.Duration // after which a service that did not answer is asked again; 0: 2 seconds
}

// Authenticator says who makes a request. Its methods may be called at once.
type Authenticator struct {
	admin   hash // of Options.AdminToken
	opts    Options
	inquiry *inquiry
}

// New returns an authenticator. It asks nobody anything yet.
func New(log hclog.Logger, opts Options) *Authenticator {
	a := &Authenticator{opts: opts, admin: hashOf(opts.AdminToken)}
	a.inquiry = newInquiry(log, opts.Keep, opts.Retry)
	return a
}

// hash stands for a token wherever one is kept or compared.
type hash = [sha256.Size]byte

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

// Authenticate returns who sent an Authorization header; an empty one is anonymous.
// A token that is not good is [service.ErrUnauthenticated], and one that nobody
// could be asked about [service.ErrUnavailable].
func (a *Authenticator) Authenticate(ctx context.Context, authorization string) (service.Caller, error) {
	if authorization == "" {
		return service.Caller{}, nil
	}
	token, ok := tokenOf(authorization)
	switch {
	case !ok:
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the Authorization header holds no token: write Authorization: Bearer TOKEN")
	case a.isAdminToken(token):
		return service.Operator("admin"), nil
	case strings.HasPrefix(token, ownPrefix):
		if a.opts.Tokens == nil {
			return service.Caller{}, errUnknown
		}
		return a.opts.Tokens.verify(token, time.Now())
	case len(token) > maxToken:
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token is longer than %d bytes", maxToken)
	}
	return a.inquiry.ask(ctx, token, a.source)
}

// maxToken bounds a token, in bytes. JWTs with many groups are some kilobytes.
const maxToken = 16 << 10

var errUnknown = service.Errorf(service.ErrUnauthenticated, "the token is not known here, or no longer")

// source vouches for tokens that are not dynsvc's own.
type source interface {
	// verify returns whose token it is and until when that holds at most. A token
	// that is not good is [service.ErrUnauthenticated], one that may not be used here
	// [service.ErrDenied]; every other error means that nobody could tell.
	verify(ctx context.Context, token string) (c service.Caller, until time.Time, err error)
	String() string
}

// source finds out who made a token, by its looks, so that nobody is shown what
// others have issued. nil: nobody that is known here.
func (a *Authenticator) source(token string) source {
	if issuer, ok := issuerOf(token); ok {
		for _, o := range a.opts.OIDC {
			if o.opts.Issuer == issuer {
				return a.raising(o)
			}
		}
		return nil
	}
	if a.opts.KBase != nil && a.opts.KBase.takes(token) {
		return a.raising(a.opts.KBase)
	}
	return nil
}

// raising gives callers the roles that the operator gave their names.
func (a *Authenticator) raising(s source) source { return raised{s, a} }

type raised struct {
	source
	a *Authenticator
}

func (r raised) verify(ctx context.Context, token string) (service.Caller, time.Time, error) {
	c, until, err := r.source.verify(ctx, token)
	switch {
	case err != nil:
	case !service.ValidUserName(c.Name):
		err = service.Errorf(service.ErrDenied, "%s calls you %.200q, which cannot be the name of a user here", r.source, c.Name)
	case slices.Contains(r.a.opts.Admins, c.Name):
		c.Role = service.Admin
	case slices.Contains(r.a.opts.Developers, c.Name):
		c.Role = max(c.Role, service.Developer)
	}
	return c, until, err
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
	if a.opts.AdminToken == "" {
		return false
	}
	got := hashOf(token) // hashes, so that the comparison tells nothing of the length either
	return subtle.ConstantTimeCompare(got[:], a.admin[:]) == 1
}

// tokenOf returns the token of an Authorization header: what follows Bearer or
// OAuth, or all of a header that is one word, as KBase's clients send it.
func tokenOf(authorization string) (token string, ok bool) {
	authorization = strings.TrimSpace(authorization)
	scheme, rest, two := strings.Cut(authorization, " ")
	if !two {
		return authorization, authorization != "" && !strings.EqualFold(scheme, "Bearer")
	}
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return "", false
	}
	token = strings.TrimSpace(rest)
	return token, token != "" && !strings.ContainsAny(token, " \t,")
}
