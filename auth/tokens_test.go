package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

var (
	root = service.Operator("admin")
	ada  = service.Caller{Name: "ada", Role: service.Developer, From: service.FromKBase}
	bob  = service.Caller{Name: "bob", Role: service.User, From: service.FromOIDC}
)

// open returns the tokens of a new database, and whoever asks about them.
func open(t *testing.T) (*auth.Tokens, *auth.Authenticator, *store.DB) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests close it themselves
	tokens, err := auth.OpenTokens(t.Context(), db, hclog.NewNullLogger(), auth.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tokens, auth.New(hclog.NewNullLogger(), auth.Options{AdminToken: "s3cret", Tokens: tokens}), db
}

func create(t *testing.T, tokens *auth.Tokens, by service.Caller, want auth.Wanted) (store.Token, string) {
	t.Helper()
	made, secret, err := tokens.Create(t.Context(), by, want)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

func TestATokenSaysWhoseItIsUntilItIsRevoked(t *testing.T) {
	tokens, a, db := open(t)
	made, secret := create(t, tokens, root, auth.Wanted{User: "ci", Scopes: []string{"register:Echo", "call:Echo", "call:echo"}, Note: "CI"})
	if !strings.HasPrefix(secret, "dynsvc_") || len(secret) < len("dynsvc_")+26 {
		t.Errorf("token %q", secret)
	}
	want := service.Caller{Name: "ci", Role: service.Developer, From: service.FromToken, Token: made.ID, Scopes: []service.Scope{"register:echo", "call:echo"}}
	for _, header := range []string{secret, "Bearer " + secret, "bearer  " + secret, "OAuth " + secret, " " + secret} {
		got, err := a.Authenticate(t.Context(), header)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", header[:8], err, diff)
		}
	}
	for _, header := range []string{"Basic " + secret, secret + "x", secret[:len(secret)-1], "Bearer " + strings.ToUpper(secret), "Bearer", "Bearer " + secret + ", Bearer x"} {
		if got, err := a.Authenticate(t.Context(), header); !errors.Is(err, service.ErrUnauthenticated) || got.Known() {
			t.Errorf("%q is %+v, %v", header, got, err)
		}
	}

	// It goes on without a database, and outlives the process.
	again, err := auth.OpenTokens(t.Context(), db, hclog.NewNullLogger(), auth.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.New(hclog.NewNullLogger(), auth.Options{Tokens: again}).Authenticate(t.Context(), secret); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := tokens.Revoke(t.Context(), root, made.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Authenticate(t.Context(), secret); !errors.Is(err, service.ErrUnauthenticated) {
		t.Errorf("revoked: %+v, %v", got, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.New(hclog.NewNullLogger(), auth.Options{Tokens: again}).Authenticate(t.Context(), secret); err != nil {
		t.Errorf("without a database, of an agent that was not told: %v", err)
	}
}

// A token is stored as a hash, and nowhere else.
func TestATokenIsNotInTheDatabase(t *testing.T) {
	tokens, _, db := open(t)
	_, secret := create(t, tokens, root, auth.Wanted{User: "ci", Scopes: []string{"call:*"}})
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "call:*") {
		t.Error("the copy does not hold the token's scopes, so this test looks at the wrong file")
	}
	if strings.Contains(string(content), secret) || strings.Contains(string(content), strings.TrimPrefix(secret, "dynsvc_")) {
		t.Error("the token is in the database")
	}
}

func TestTokensExpire(t *testing.T) {
	tokens, a, _ := open(t)
	made, secret := create(t, tokens, root, auth.Wanted{User: "ci", Scopes: []string{"call:*"}, Expires: time.Nanosecond})
	if _, err := a.Authenticate(t.Context(), secret); !errors.Is(err, service.ErrUnauthenticated) || !strings.Contains(err.Error(), made.ID+" of ci expired on") {
		t.Errorf("expired: %v", err)
	}
	for _, tt := range []struct {
		by   service.Caller
		want time.Duration
		days int // 0: never; -1: refused
	}{{root, 0, 90}, {root, -1, 0}, {root, 4000 * 24 * time.Hour, 4000}, {bob, 0, 90}, {bob, 300 * 24 * time.Hour, 300}, {bob, 400 * 24 * time.Hour, -1}, {bob, -1, -1}} {
		made, _, err := tokens.Create(t.Context(), tt.by, auth.Wanted{Scopes: []string{"call:*"}, Expires: tt.want})
		days := int(made.ExpiresAt.Sub(made.CreatedAt).Hours() / 24)
		switch {
		case tt.days < 0:
			if !errors.Is(err, service.ErrInvalid) {
				t.Errorf("%s for %s: %v", tt.by.Name, tt.want, err)
			}
		case err != nil || tt.days == 0 && !made.ExpiresAt.IsZero() || tt.days > 0 && days != tt.days:
			t.Errorf("%s for %s: %d days, %v", tt.by.Name, tt.want, days, err)
		}
	}
}

func TestWhoMayMakeWhichToken(t *testing.T) {
	tokens, a, _ := open(t)
	_, own := create(t, tokens, ada, auth.Wanted{Scopes: []string{"register", "call:*"}})
	_, full := create(t, tokens, root, auth.Wanted{User: "boss", Scopes: []string{"admin"}})
	adasToken, err := a.Authenticate(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	bossToken, err := a.Authenticate(t.Context(), full)
	if err != nil || !bossToken.IsAdmin() {
		t.Fatal(bossToken, err)
	}
	tests := []struct {
		name string
		by   service.Caller
		want auth.Wanted
		kind error
		text string
	}{
		{"a developer, to register", ada, auth.Wanted{Scopes: []string{"register:Echo"}}, nil, ""},
		{"a developer, as admin", ada, auth.Wanted{Scopes: []string{"call:*", "admin"}}, service.ErrDenied, "needs the role admin"},
		{"a user, to register", bob, auth.Wanted{Scopes: []string{"register:Echo"}}, service.ErrDenied, "needs the role developer"},
		{"a user, for another", bob, auth.Wanted{User: "ada", Scopes: []string{"call:*"}}, service.ErrDenied, "only an admin for ada"},
		{"an admin, for another", root, auth.Wanted{User: "zoe", Scopes: []string{"admin"}}, nil, ""},
		{"a token", adasToken, auth.Wanted{Scopes: []string{"call:*"}}, service.ErrDenied, "makes no tokens"},
		{"a token with admin", bossToken, auth.Wanted{User: "ci", Scopes: []string{"call:*"}}, nil, ""},
		{"nobody", service.Caller{}, auth.Wanted{User: "ada", Scopes: []string{"call:*"}}, service.ErrUnauthenticated, ""},
		{"no scope", root, auth.Wanted{User: "ada"}, service.ErrInvalid, "needs a scope"},
		{"another scope", root, auth.Wanted{User: "ada", Scopes: []string{"cal:*"}}, service.ErrInvalid, `"cal:*" is no scope`},
		{"no module", root, auth.Wanted{User: "ada", Scopes: []string{"call:"}}, service.ErrInvalid, ""},
		{"register everything", root, auth.Wanted{User: "ada", Scopes: []string{"register:*"}}, service.ErrInvalid, ""},
		{"a name with a line break", root, auth.Wanted{User: "ada\nX-Dynsvc-User: root", Scopes: []string{"call:*"}}, service.ErrInvalid, "not the name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, secret, err := tokens.Create(t.Context(), tt.by, tt.want)
			if !errors.Is(err, tt.kind) || err != nil && !strings.Contains(err.Error(), tt.text) || (err == nil) != (secret != "") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhoMayRevokeWhichToken(t *testing.T) {
	tokens, a, _ := open(t)
	first, _ := create(t, tokens, ada, auth.Wanted{Scopes: []string{"call:*"}})
	second, text := create(t, tokens, ada, auth.Wanted{Scopes: []string{"call:*"}})
	itself, err := a.Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		by   service.Caller
		id   string
		want error
	}{
		{service.Caller{}, first.ID, service.ErrUnauthenticated}, {bob, first.ID, service.ErrNotFound}, {itself, first.ID, service.ErrDenied},
		{ada, "none", service.ErrNotFound}, {root, "none", service.ErrNotFound},
		{itself, second.ID, nil}, {ada, first.ID, nil},
	} {
		if err := tokens.Revoke(t.Context(), tt.by, tt.id); !errors.Is(err, tt.want) {
			t.Errorf("%s revokes %s: %v", tt.by.Who(), tt.id, err)
		}
	}
	if mine, err := tokens.List(t.Context(), ada, ""); err != nil || len(mine) != 2 || mine[0].RevokedAt.IsZero() {
		t.Errorf("ada's: %+v, %v", mine, err)
	}
	if theirs, err := tokens.List(t.Context(), bob, ""); err != nil || len(theirs) != 0 {
		t.Errorf("bob's: %+v, %v", theirs, err)
	}
	if _, err := tokens.List(t.Context(), bob, "ada"); !errors.Is(err, service.ErrDenied) {
		t.Errorf("ada's, asked by bob: %v", err)
	}
}

func TestTheUseOfTokensIsNoted(t *testing.T) {
	tokens, a, db := open(t)
	made, secret := create(t, tokens, ada, auth.Wanted{Scopes: []string{"call:*"}})
	if _, err := a.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tokens.Run(ctx); err != nil { // notes a last time
		t.Fatal(err)
	}
	all, err := db.Tokens(t.Context(), "ada")
	if err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].UsedAt.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestOwnTokensAreTold(t *testing.T) {
	_, a, _ := open(t)
	for header, want := range map[string]bool{
		"Bearer s3cret": true, "s3cret": true, "Basic s3cret": true, "dynsvc_gone": true, "Bearer dynsvc_x": true, "bearer\tdynsvc_x": true,
		"": false, "Bearer s3cre": false, "Bearer QWERTY": false, "Basic dXNlcjpwYXNz": false,
	} {
		if got := a.Own(header); got != want {
			t.Errorf("Own(%q) = %t", header, got)
		}
	}
}
