package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/dynsvc/dynsvc/service"
)

// Algorithms are those that a token may be signed with. None of them shares a secret
// between who signs and who checks.
var Algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// OIDCOptions say which tokens of an OpenID provider are good here, and what they mean.
type OIDCOptions struct {
	Issuer     string        // as in the tokens' iss; its discovery document is below it
	Audience   []string      // one of which a token is meant for
	Algorithms []string      // nil: RS256, ES256 and EdDSA
	Skew       time.Duration // by which its clock may be behind ours; 0: 1 minute

	NameClaim string // path of the claim with the name; empty: sub. With email, the address must be verified.
	Prefix    string // before each name, so that two providers' names are not taken for the same

	RolesClaim     string // path of a claim with roles or groups, e.g. realm_access.roles; empty: none
	AdminRoles     []string
	DeveloperRoles []string // "*": every user is one

	KeysAge time.Duration // after which keys are asked for again, so that one that was withdrawn ends; 0: 10 minutes
	Client  *http.Client  // nil: one of its own
}

const (
	defaultSkew    = time.Minute
	defaultKeysAge = 10 * time.Minute
	maxKeysAsked   = 20 // at once; then one a second
)

// OIDC is an OpenID provider, whose JWTs are checked here with its keys.
type OIDC struct {
	opts   OIDCOptions
	client *http.Client

	mu   sync.Mutex // held while the provider is asked, too: others need the answer
	keys oidc.KeySet
	at   time.Time // when keys were found; zero: never
}

// NewOIDC returns an OpenID provider. It asks it nothing before the first token.
func NewOIDC(opts OIDCOptions) *OIDC {
	if len(opts.Algorithms) == 0 {
		opts.Algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}
	}
	if opts.Skew == 0 {
		opts.Skew = defaultSkew
	}
	if opts.NameClaim == "" {
		opts.NameClaim = "sub"
	}
	if opts.KeysAge == 0 {
		opts.KeysAge = defaultKeysAge
	}
	if opts.Client == nil {
		opts.Client = newClient()
	}
	client := *opts.Client
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = &careful{next: next, limit: rate.NewLimiter(1, maxKeysAsked)}
	return &OIDC{opts: opts, client: &client}
}

func (o *OIDC) String() string { return o.opts.Issuer }

// issuerOf returns who says to have issued a JWT; ok is false where it is none.
// Nothing of that has been checked.
func issuerOf(token string) (issuer string, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return claims.Issuer, json.Unmarshal(text, &claims) == nil && claims.Issuer != ""
}

func (o *OIDC) verify(ctx context.Context, token string) (service.Caller, time.Time, error) {
	keys, err := o.current(ctx)
	if err != nil {
		return service.Caller{}, time.Time{}, err
	}
	watched := &watchedKeys{KeySet: keys}
	verifier := oidc.NewVerifier(o.opts.Issuer, watched, &oidc.Config{
		SkipClientIDCheck: true, // there may be several, see below
		// Not what the provider says it can do: that list may grow by something weak.
		SupportedSigningAlgs: o.opts.Algorithms,
		Now:                  func() time.Time { return time.Now().Add(-o.opts.Skew) },
	})
	parsed, err := verifier.Verify(ctx, token)
	switch expired := new(oidc.TokenExpiredError); {
	case watched.away != nil:
		return service.Caller{}, time.Time{}, watched.away
	case errors.As(err, &expired):
		return service.Caller{}, time.Time{}, service.Errorf(service.ErrUnauthenticated, "the token of %s expired on %s: log in again", o, expired.Expiry.UTC().Format(time.DateTime))
	case err != nil:
		return service.Caller{}, time.Time{}, service.Errorf(service.ErrUnauthenticated, "the token of %s is not good: %w", o, err)
	case !slices.ContainsFunc(parsed.Audience, func(a string) bool { return slices.Contains(o.opts.Audience, a) }):
		return service.Caller{}, time.Time{}, service.Errorf(service.ErrUnauthenticated, "the token of %s is meant for %q and not for %q", o, parsed.Audience, o.opts.Audience)
	}
	var claims map[string]any
	if err := parsed.Claims(&claims); err != nil {
		return service.Caller{}, time.Time{}, service.Errorf(service.ErrUnauthenticated, "the token of %s is not good: %w", o, err)
	}
	name, err := o.name(claims)
	if err != nil {
		return service.Caller{}, time.Time{}, err
	}
	role := mapRoles(words(claim(claims, o.opts.RolesClaim)), o.opts.AdminRoles, o.opts.DeveloperRoles)
	return service.Caller{Name: name, Role: role, From: service.FromOIDC}, parsed.Expiry.Add(o.opts.Skew), nil
}

func (o *OIDC) name(claims map[string]any) (string, error) {
	name, ok := claim(claims, o.opts.NameClaim).(string)
	switch {
	case !ok || name == "":
		return "", service.Errorf(service.ErrDenied, "the token of %s has no claim %s, which is to name its user", o, o.opts.NameClaim)
	case o.opts.NameClaim == "email" && claims["email_verified"] != true:
		return "", service.Errorf(service.ErrDenied, "%s has not verified the address %s", o, name)
	}
	return o.opts.Prefix + name, nil
}

// current returns the provider's keys, and looks for them anew after a while. As long
// as it does not answer, those that are known hold.
func (o *OIDC) current(ctx context.Context) (oidc.KeySet, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys != nil && time.Since(o.at) < o.opts.KeysAge {
		return o.keys, nil
	}
	keys, err := o.discover(ctx)
	if err != nil && o.keys == nil {
		return nil, err
	}
	if err == nil {
		o.keys = keys
	}
	o.at = time.Now() // also after a failure: not at each token
	return o.keys, nil
}

func (o *OIDC) discover(ctx context.Context) (oidc.KeySet, error) {
	ctx = oidc.ClientContext(ctx, o.client)
	provider, err := oidc.NewProvider(ctx, o.opts.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", o, bare(err))
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("discover %s: %w", o, err)
	}
	if found.Keys == "" {
		return nil, fmt.Errorf("discover %s: it names no jwks_uri", o)
	}
	return oidc.NewRemoteKeySet(ctx, found.Keys), nil
}

// watchedKeys tells a provider that did not give its keys from a bad signature.
type watchedKeys struct {
	oidc.KeySet
	away error
}

func (w *watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, jwt)
	if away := new(awayError); errors.As(err, &away) || err != nil && ctx.Err() != nil {
		w.away = err
	}
	return payload, err
}

// claim returns the claim at a path; what stands under the whole path as one name,
// as URLs do, goes first. nil: there is none.
func claim(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok {
		return v
	}
	first, rest, more := strings.Cut(path, ".")
	inner, ok := claims[first].(map[string]any)
	if !more || !ok {
		return nil
	}
	return claim(inner, rest)
}

// words are the texts of a claim: a list, or one text with blanks between.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}
