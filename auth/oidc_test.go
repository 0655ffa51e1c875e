package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/service"
)

// issuer is an OpenID provider with keys that change.
type issuer struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	keys   []jose.JSONWebKey // public
	failed bool
	asked  int // for keys
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		i.asked++
		keys := jose.JSONWebKeySet{Keys: i.keys}
		i.mu.Unlock()
		i.answer(w, keys)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) answer(w http.ResponseWriter, v any) {
	i.mu.Lock()
	failed := i.failed
	i.mu.Unlock()
	if failed {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

func (i *issuer) fail(failed bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failed = failed
}

func (i *issuer) timesAsked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// signer signs with a key that the provider publishes, or not.
type signer struct {
	alg jose.SignatureAlgorithm
	key any
	id  string
}

func newSigner(t *testing.T, alg jose.SignatureAlgorithm, id string) signer {
	t.Helper()
	var key any
	var err error
	switch alg {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{alg, key, id}
}

// publish makes the signers' keys those of the provider, in place of all others.
func (i *issuer) publish(signers ...signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for _, s := range signers {
		public := s.key.(interface{ Public() crypto.PublicKey }).Public()
		i.keys = append(i.keys, jose.JSONWebKey{Key: public, KeyID: s.id, Algorithm: string(s.alg), Use: "sig"})
	}
}

type claims map[string]any

// token signs claims: good ones but for those given; a nil value leaves one out.
func (i *issuer) token(s signer, also claims) string {
	i.t.Helper()
	all := claims{"iss": i.url, "aud": "dynsvc", "sub": "ada", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, also)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	signing, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		i.t.Fatal(err)
	}
	payload, err := json.Marshal(all)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signing.Sign(payload)
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

func (i *issuer) authenticator(change func(*auth.Options, *auth.OIDCOptions)) *auth.Authenticator {
	opts, oopts := auth.Options{Retry: time.Millisecond}, auth.OIDCOptions{Issuer: i.url, Audience: []string{"dynsvc", "api"}}
	if change != nil {
		change(&opts, &oopts)
	}
	opts.OIDC = []*auth.OIDC{auth.NewOIDC(auth.OIDCOptions{Issuer: "https://other.example.org", Audience: []string{"dynsvc"}}), auth.NewOIDC(oopts)}
	return auth.New(hclog.NewNullLogger(), opts)
}

func TestJWTsOfAProvider(t *testing.T) {
	i := newIssuer(t)
	rs, es, ed := newSigner(t, jose.RS256, "rs"), newSigner(t, jose.ES256, "es"), newSigner(t, jose.EdDSA, "ed")
	ps, stolen := newSigner(t, jose.PS256, "ps"), newSigner(t, jose.RS256, "rs")
	i.publish(rs, es, ed, ps)
	secret := signer{jose.HS256, []byte(strings.Repeat("k", 32)), "rs"}
	a := i.authenticator(func(_ *auth.Options, o *auth.OIDCOptions) {
		o.RolesClaim, o.AdminRoles, o.DeveloperRoles = "realm_access.roles", []string{"dynsvc-admin"}, []string{"dynsvc-dev"}
	})
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	good := i.token(rs, nil)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	other := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"iss":%q,"aud":"dynsvc","sub":"root","exp":%d}`, i.url, at(time.Hour))))
	roles := func(r ...string) claims { return claims{"realm_access": map[string]any{"roles": r}} }
	tests := []struct {
		name, token string
		role        service.Role // Anonymous: refused
		text        string
	}{
		{"RS256", good, service.User, ""},
		{"ES256", i.token(es, nil), service.User, ""},
		{"EdDSA", i.token(ed, nil), service.User, ""},
		{"a developer", i.token(rs, roles("x", "dynsvc-dev")), service.Developer, ""},
		{"an admin", i.token(rs, roles("dynsvc-dev", "dynsvc-admin")), service.Admin, ""},
		{"roles that are none", i.token(rs, claims{"realm_access": []any{"dynsvc-admin"}}), service.User, ""},
		{"several audiences", i.token(rs, claims{"aud": []string{"x", "api"}}), service.User, ""},
		{"expired within the skew", i.token(rs, claims{"exp": at(-30 * time.Second)}), service.User, ""},
		{"not yet, within the skew", i.token(rs, claims{"nbf": at(time.Minute)}), service.User, ""},

		{"expired", i.token(rs, claims{"exp": at(-2 * time.Minute)}), 0, "expired on"},
		{"no end", i.token(rs, claims{"exp": nil}), 0, "expired on"},
		{"not yet", i.token(rs, claims{"nbf": at(time.Hour)}), 0, "not before"},
		{"another audience", i.token(rs, claims{"aud": "shop"}), 0, `meant for ["shop"] and not for ["dynsvc" "api"]`},
		{"no audience", i.token(rs, claims{"aud": nil}), 0, "meant for"},
		{"another issuer", i.token(rs, claims{"iss": "https://evil.example.org"}), 0, "not known here"},
		{"the other provider's name", i.token(rs, claims{"iss": "https://other.example.org/"}), 0, "not known here"},
		{"no issuer", i.token(rs, claims{"iss": nil}), 0, "not known here"},
		{"no name", i.token(rs, claims{"sub": nil}), 0, "no claim sub"},
		{"a name that is none", i.token(rs, claims{"sub": 7}), 0, "not good"},
		{"a name with a line break", i.token(rs, claims{"sub": "ada\nroot"}), 0, "cannot be the name"},
		{"an algorithm that is not allowed", i.token(ps, nil), 0, "not good"},
		{"a shared secret", i.token(secret, nil), 0, "not good"},
		{"another's key under the same id", i.token(stolen, nil), 0, "not good"},
		{"no signature", none + "." + other + ".", 0, "not good"},
		{"another's claims", parts[0] + "." + other + "." + parts[2], 0, "not good"},
		{"a broken signature", good[:len(good)-8] + "AAAAAAAA", 0, "not good"},
		{"no JWT", "a.b.c", 0, "not known here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Authenticate(t.Context(), "Bearer "+tt.token)
			if tt.role == service.Anonymous {
				denied := errors.Is(err, service.ErrUnauthenticated) || errors.Is(err, service.ErrDenied)
				if !denied || got.Known() || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), tt.token) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			want := service.Caller{Name: "ada", Role: tt.role, From: service.FromOIDC}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

func TestTheClaimWithTheName(t *testing.T) {
	i := newIssuer(t)
	s := newSigner(t, jose.ES256, "1")
	i.publish(s)
	url := "https://dynsvc.example.org/name"
	for _, tt := range []struct {
		claim string
		also  claims
		want  string // empty: refused
	}{
		{"", nil, "x-ada"},
		{"preferred_username", claims{"preferred_username": "lovelace"}, "x-lovelace"},
		{"email", claims{"email": "ada@example.org", "email_verified": true}, "x-ada@example.org"},
		{"email", claims{"email": "ada@example.org"}, ""},
		{"email", claims{"email": "ada@example.org", "email_verified": "true"}, ""},
		{"who.name", claims{"who": map[string]any{"name": "deep"}}, "x-deep"},
		{url, claims{url: "by-url"}, "x-by-url"},
		{"who.name", nil, ""},
	} {
		a := i.authenticator(func(_ *auth.Options, o *auth.OIDCOptions) { o.NameClaim, o.Prefix = tt.claim, "x-" })
		got, err := a.Authenticate(t.Context(), i.token(s, tt.also))
		if got.Name != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s of %v: %q, %v", tt.claim, tt.also, got.Name, err)
		}
	}
}

func TestKeysOfAProviderRotate(t *testing.T) {
	i := newIssuer(t)
	old, fresh := newSigner(t, jose.ES256, "1"), newSigner(t, jose.ES256, "2")
	i.publish(old)
	a := i.authenticator(func(o *auth.Options, oo *auth.OIDCOptions) {
		o.Keep, oo.KeysAge = time.Millisecond, 200*time.Millisecond
	})
	ask := func(s signer) error {
		_, err := a.Authenticate(t.Context(), i.token(s, claims{"jti": rand.Text()}))
		return err
	}
	if err := ask(old); err != nil {
		t.Fatal(err)
	}
	i.publish(old, fresh)
	if err := ask(fresh); err != nil { // a key that is not known is asked for at once
		t.Fatal(err)
	}
	i.publish(fresh)
	wait(t, "the withdrawn key to be refused", func() bool { return errors.Is(ask(old), service.ErrUnauthenticated) })
	if err := ask(fresh); err != nil {
		t.Fatal(err)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	i := newIssuer(t)
	s := newSigner(t, jose.ES256, "1")
	i.publish(s)
	i.fail(true)
	a := i.authenticator(func(o *auth.Options, oo *auth.OIDCOptions) {
		o.Keep, oo.KeysAge = time.Millisecond, 50*time.Millisecond
	})
	ask := func() error {
		c, err := a.Authenticate(t.Context(), i.token(s, claims{"jti": rand.Text()}))
		if err == nil && c.Name != "ada" {
			t.Errorf("it is %+v", c)
		}
		return err
	}
	if err := ask(); !errors.Is(err, service.ErrUnavailable) {
		t.Fatalf("before it was ever there: %v", err)
	}
	i.fail(false)
	wait(t, "the provider to be asked again", func() bool { return ask() == nil })
	// With its keys, nobody needs it, for as long as it takes.
	i.fail(true)
	asked := time.Now()
	for time.Since(asked) < 300*time.Millisecond {
		if err := ask(); err != nil {
			t.Fatalf("after it went: %v", err)
		}
	}
}

// Tokens with made-up key ids must not have the provider asked for each.
func TestAProviderIsNotAskedForEveryKeyThatSomebodyMakesUp(t *testing.T) {
	i := newIssuer(t)
	s := newSigner(t, jose.ES256, "1")
	i.publish(s)
	a := i.authenticator(func(o *auth.Options, _ *auth.OIDCOptions) { o.Retry = time.Nanosecond })
	if _, err := a.Authenticate(t.Context(), i.token(s, nil)); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		s.id = fmt.Sprint("made up ", n)
		if _, err := a.Authenticate(t.Context(), i.token(s, nil)); err == nil {
			t.Fatal("a key that nobody published is taken")
		}
	}
	if got := i.timesAsked(); got > 60 { // 20 at once, then one a second
		t.Errorf("asked %d times for keys", got)
	}
	s.id = "1"
	if _, err := a.Authenticate(t.Context(), i.token(s, claims{"jti": "x"})); err != nil {
		t.Errorf("a good token after the flood: %v", err)
	}
}
