package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

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

var (
	ursula = service.Caller{Name: "ursula", Role: service.User, From: service.FromOIDC}
	linus  = service.Caller{Name: "linus", Role: service.User, From: service.FromKBase}
	scoped = service.Caller{Name: "linus", Role: service.User, From: service.FromToken, Token: "t1", Scopes: []service.Scope{"call:other"}}
)

// away is a door behind which nobody answers.
type away struct{ door }

func (away) Authenticate(context.Context, string) (service.Caller, error) {
	return service.Caller{}, service.Errorf(service.ErrUnavailable, "nobody can be asked: try again")
}

func TestWhoMayCallWhat(t *testing.T) {
	people := door{"GOOD": ursula, "LINUS": linus, "SCOPED": scoped, "root": service.Operator("admin")}
	const (
		none     = `{"version":"1.1","method":"Echo.none","id":"7"}`
		optional = `{"version":"1.1","method":"Echo.optional","id":"7"}`
		required = `{"version":"1.1","method":"Echo.required","id":"7"}`
		status   = `{"version":"1.1","method":"Echo.status","id":"7"}`
		batch    = `[` + required + `]`
		twice    = `{"version":"1.1","method":"Echo.none","method":"Echo.required","id":"7"}`
		needed   = "Authentication required for Echo but no authentication header was passed"
		unknown  = "the token is not known here"
	)
	public, named := service.Access{}, service.Access{Visibility: service.Authenticated}
	listed := service.Access{Visibility: service.Listed, Users: []string{"linus"}}
	tests := []struct {
		name, token, body string // no body: a page below the root
		access            service.Access
		status            int
		user, text        string // what the service saw, or the caller reads
	}{
		{"none", "", none, public, 200, "", ""},
		{"none, good", "GOOD", none, public, 200, "", ""}, // not looked at
		{"none, bad", "BAD", none, public, 200, "", ""},
		{"optional", "", optional, public, 200, "", ""},
		{"optional, good", "GOOD", optional, public, 200, "ursula", ""},
		{"optional, bad", "BAD", optional, public, 200, "", ""},
		{"optional, another's scope", "SCOPED", optional, public, 403, "", "needs call:Echo"},
		{"required", "", required, public, 401, "", needed},
		{"required, good", "GOOD", required, public, 200, "ursula", ""},
		{"required, bad", "BAD", required, public, 401, "", unknown},
		{"required, another's scope", "SCOPED", required, public, 403, "", "needs call:Echo"},
		{"required, the operator", "root", required, public, 200, "admin", ""},
		{"status", "", status, public, 200, "", ""},
		{"a batch", "", batch, public, 401, "", needed},
		{"a batch, good", "GOOD", batch, public, 200, "ursula", ""},
		{"a method named twice", "", twice, public, 401, "", needed},
		{"a page", "", "", public, 200, "", ""},
		{"a page, good", "GOOD", "", public, 200, "ursula", ""},
		{"a page, bad", "BAD", "", public, 200, "", ""},

		{"named, none", "", none, named, 401, "", needed},
		{"named, none, good", "GOOD", none, named, 200, "ursula", ""},
		{"named, none, bad", "BAD", none, named, 401, "", unknown},
		{"named, a page", "", "", named, 401, "", needed},
		{"listed", "LINUS", none, listed, 200, "linus", ""},
		{"listed, a page", "LINUS", "", listed, 200, "linus", ""},
		{"listed, another", "GOOD", none, listed, 403, "", "ursula is not among them: ask an owner (ada)"},
		{"listed, nobody", "", none, listed, 401, "", needed},
		{"listed, the operator", "root", none, listed, 200, "admin", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, func(s *setup) {
				s.opts.Callers = people
				s.version.Typed, s.version.Access = true, tt.access
				s.version.Methods = []service.Method{{Name: "none", Authentication: service.NoAuthentication},
					{Name: "optional", Authentication: service.OptionalAuthentication}, {Name: "required", Authentication: service.RequiredAuthentication}}
				s.owners = []string{"ada"}
			})
			var user, token string
			k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) {
				user, token = r.Header.Get("X-Dynsvc-User"), r.Header.Get("Authorization")
			}))
			send := []string{"X-Dynsvc-User", "root"}
			if tt.token != "" {
				send = append(send, "Authorization", "Bearer "+tt.token)
			}
			var r reply
			if tt.body == "" {
				r = k.get("/svc/Echo/page", send...)
			} else {
				r = k.post("/svc/Echo", tt.body, send...)
			}
			r.must(t, tt.status, tt.text)
			if r.status != http.StatusOK {
				if challenge := r.header.Get("WWW-Authenticate") != ""; challenge != (r.status == http.StatusUnauthorized) {
					t.Errorf("WWW-Authenticate: %t", challenge)
				}
				if tt.body != "" && tt.body[0] == '{' && tt.body != twice && !strings.Contains(r.body, `"id":"7","error":{"name":"JSONRPCError","code":-32000,`) {
					t.Errorf("no JSON-RPC error: %s", r.body)
				}
				return
			}
			if user != tt.user {
				t.Errorf("the service saw the user %q, want %q", user, tt.user)
			}
			want := ""
			if tt.token != "" && tt.token != "root" {
				want = "Bearer " + tt.token
			}
			if token != want {
				t.Errorf("the service saw the token %q, want %q", token, want)
			}
		})
	}
}

func TestWhereNobodyCanBeAsked(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.opts.Callers = away{}
		s.version.Methods = []service.Method{{Name: "optional", Authentication: service.OptionalAuthentication}, {Name: "required", Authentication: service.RequiredAuthentication}}
	})
	k.up(k.backend(hello))
	k.post("/svc/Echo", `{"method":"Echo.required","id":1}`, "Authorization", "T").must(t, http.StatusServiceUnavailable, "nobody can be asked")
	k.post("/svc/Echo", `{"method":"Echo.required","id":1}`).must(t, http.StatusUnauthorized)
	k.post("/svc/Echo", `{"method":"Echo.optional","id":1}`, "Authorization", "T").must(t, http.StatusOK)
	k.get("/svc/Echo/x", "Authorization", "Basic dXNlcjpwYXNz").must(t, http.StatusOK)
}

func TestOpenCallsNeedNobody(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.opts.Callers, s.opts.OpenCalls = door{"GOOD": ursula}, true
		s.version.Methods = []service.Method{{Name: "required", Authentication: service.RequiredAuthentication}}
	})
	var user string
	k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) { user = r.Header.Get("X-Dynsvc-User") }))
	k.post("/svc/Echo", `{"method":"Echo.required","id":1}`).must(t, http.StatusOK)
	k.post("/svc/Echo", `{"method":"Echo.required","id":1}`, "Authorization", "GOOD").must(t, http.StatusOK)
	if user != "ursula" {
		t.Errorf("the user %q", user)
	}
}

func TestTwoTokensAreNone(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.opts.Callers = door{"GOOD": ursula, "root": service.Operator("admin")}
		s.version.Methods = []service.Method{{Name: "required", Authentication: service.RequiredAuthentication}}
	})
	var seen http.Header
	k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	const body = `{"method":"Echo.required","id":1}`
	got := k.raw("POST /svc/Echo HTTP/1.1\nHost: h\nConnection: close\nContent-Length: 33\nAuthorization: GOOD\nAuthorization: root\n\n" + body)
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "2 Authorization headers: send one") {
		t.Errorf("answer %s", got)
	}
	if got := k.raw("GET /svc/Echo/x HTTP/1.1\nHost: h\nConnection: close\nAuthorization: GOOD\nAuthorization: root\n\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("answer %s", got)
	}
	if seen["Authorization"] != nil || seen["X-Dynsvc-User"] != nil {
		t.Errorf("the service saw %v", seen)
	}
}
