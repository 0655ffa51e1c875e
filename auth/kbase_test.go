package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/auth/kbaseauth"
	"github.com/dynsvc/dynsvc/service"
)

// kbase starts KBase's auth service as we play it, and somebody who asks it.
func kbase(t *testing.T, change func(*auth.Options, *auth.KBaseOptions)) (*kbaseauth.Service, *auth.Authenticator) {
	t.Helper()
	s := kbaseauth.New(kbaseauth.User{Name: "ada", Roles: []string{"DevToken"}}, kbaseauth.User{Name: "root", CustomRoles: []string{"CATALOG_ADMIN_ROLE"}},
		kbaseauth.User{Name: "bob"})
	server := httptest.NewServer(http.StripPrefix("/services/auth", s))
	t.Cleanup(server.Close)
	opts, kopts := auth.Options{Retry: time.Millisecond}, auth.KBaseOptions{URL: server.URL + "/services/auth/", DeveloperRoles: []string{"DevToken"}}
	if change != nil {
		change(&opts, &kopts)
		if kopts.Legacy != "" {
			kopts.Legacy = server.URL + "/services/auth" + kbaseauth.LegacyPath
		}
	}
	opts.KBase = auth.NewKBase(kopts)
	return s, auth.New(hclog.NewNullLogger(), opts)
}

func TestKBaseSaysWhoCalls(t *testing.T) {
	s, a := kbase(t, nil)
	for user, role := range map[string]service.Role{"ada": service.Developer, "root": service.Admin, "bob": service.User} {
		token := s.Issue(user, time.Hour)
		want := service.Caller{Name: user, Role: role, From: service.FromKBase}
		for _, header := range []string{token, "Bearer " + token, "OAuth " + token} {
			got, err := a.Authenticate(t.Context(), header)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got)\n%s", user, err, diff)
			}
		}
	}
	if got := s.Asked(); got != 6 { // token and me, once each
		t.Errorf("asked %d times", got)
	}
	_, err := a.Authenticate(t.Context(), "NOSUCHTOKEN")
	want := "Token validation failed: Error connecting to auth service: 401 Unauthorized\n10020 Invalid token"
	if !errors.Is(err, service.ErrUnauthenticated) || err.Error() != want {
		t.Errorf("a bad token: %v", err)
	}
}

func TestKBaseLegacySaysNamesAlone(t *testing.T) {
	s, a := kbase(t, func(o *auth.Options, k *auth.KBaseOptions) {
		k.Legacy, k.DeveloperRoles = "yes", []string{"*"}
		o.Admins = []string{"root"}
	})
	for user, role := range map[string]service.Role{"bob": service.Developer, "root": service.Admin} {
		got, err := a.Authenticate(t.Context(), s.Issue(user, time.Hour))
		if err != nil || got.Name != user || got.Role != role {
			t.Errorf("%s: %+v, %v", user, got, err)
		}
	}
	if _, err := a.Authenticate(t.Context(), "NOSUCHTOKEN"); !errors.Is(err, service.ErrUnauthenticated) {
		t.Errorf("a bad token: %v", err)
	}
}

// What others have issued is not shown to KBase: it would be theirs to use.
func TestKBaseIsAskedAboutNoOtherTokens(t *testing.T) {
	s, a := kbase(t, func(o *auth.Options, _ *auth.KBaseOptions) { o.AdminToken = "s3cret" })
	for _, header := range []string{"", "s3cret", "dynsvc_abcdefghijklmnopqrstuvwxyz", "Basic dXNlcjpwYXNz", "Digest username=ada", "Negotiate YII",
		"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2V4YW1wbGUub3JnIn0.c2ln", "Bearer a b", "Bearer " + strings.Repeat("A", 20000), "ghp_abc", "Bearer\x00"} {
		if c, err := a.Authenticate(t.Context(), header); header != "" && header != "s3cret" && (!errors.Is(err, service.ErrUnauthenticated) || c.Known()) {
			t.Errorf("%.30q: %+v, %v", header, c, err)
		}
	}
	if got := s.Asked(); got != 0 {
		t.Errorf("asked %d times", got)
	}
}

func TestAVerdictIsKeptForAWhile(t *testing.T) {
	s, a := kbase(t, func(o *auth.Options, _ *auth.KBaseOptions) { o.Keep = 300 * time.Millisecond })
	token := s.Issue("ada", time.Hour)
	ask := func() error {
		_, err := a.Authenticate(t.Context(), token)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	s.Revoke(token)
	wait(t, "the revoked token to be refused", func() bool { return errors.Is(ask(), service.ErrUnauthenticated) })
	asked := s.Asked()
	for range 100 {
		if err := ask(); !errors.Is(err, service.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if got := s.Asked(); got != asked {
		t.Errorf("asked %d times more about a token that is known to be bad", got-asked)
	}
}

// KBase says itself how long a verdict may be kept.
func TestAVerdictIsKeptNoLongerThanItsSourceSays(t *testing.T) {
	s, a := kbase(t, nil)
	s.SetCacheFor(0)
	token := s.Issue("ada", time.Hour)
	for range 3 {
		if _, err := a.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Asked(); got != 6 {
		t.Errorf("asked %d times, want 6", got)
	}
}

func TestATokenIsAskedAboutOnceAtATime(t *testing.T) {
	var s *kbaseauth.Service
	release, came := make(chan struct{}), make(chan struct{}, 1)
	s = kbaseauth.New(kbaseauth.User{Name: "ada"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case came <- struct{}{}:
		default:
		}
		<-release
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a := auth.New(hclog.NewNullLogger(), auth.Options{KBase: auth.NewKBase(auth.KBaseOptions{URL: server.URL})})
	token := s.Issue("ada", time.Hour)
	var all sync.WaitGroup
	// The first one leaves; the others get the answer all the same.
	ctx, leave := context.WithCancel(t.Context())
	all.Go(func() {
		if _, err := a.Authenticate(ctx, token); !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
	})
	<-came
	for range 50 {
		all.Go(func() {
			if c, err := a.Authenticate(t.Context(), token); err != nil || c.Name != "ada" {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	leave()
	close(release)
	all.Wait()
	if got := s.Asked(); got > 4 { // one question, or a second one by those who came after its answer
		t.Errorf("asked %d times", got)
	}
}

func TestKBaseBeingAwayIsNoVerdict(t *testing.T) {
	s, a := kbase(t, func(o *auth.Options, _ *auth.KBaseOptions) { o.Retry = 200 * time.Millisecond })
	known, other := s.Issue("ada", time.Hour), s.Issue("bob", time.Hour)
	if _, err := a.Authenticate(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	s.Fail(http.StatusBadGateway)
	asked := s.Asked()
	for range 20 {
		if _, err := a.Authenticate(t.Context(), other); !errors.Is(err, service.ErrUnavailable) || strings.Contains(err.Error(), "502") {
			t.Fatalf("while it is away: %v", err)
		}
		if _, err := a.Authenticate(t.Context(), known); err != nil { // remembered
			t.Fatal(err)
		}
	}
	if got := s.Asked() - asked; got > 10 {
		t.Errorf("asked %d times while it was away", got)
	}
	s.Fail(0)
	wait(t, "the token to be good again", func() bool {
		c, err := a.Authenticate(t.Context(), other)
		return err == nil && c.Name == "bob"
	})
}

// A name of another service goes into headers and lists here.
func TestANameThatCannotStandInAHeaderIsRefused(t *testing.T) {
	s, a := kbase(t, nil)
	for _, name := range []string{"ada lovelace", "ada,root", "ada\r\nX-Dynsvc-User: root", "", strings.Repeat("a", 129), "\xff", "a\u2028b"} {
		s.SetUser(kbaseauth.User{Name: name})
		c, err := a.Authenticate(t.Context(), s.Issue(name, time.Hour))
		if err == nil || c.Known() {
			t.Errorf("%.20q: %+v, %v", name, c, err)
		}
	}
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
