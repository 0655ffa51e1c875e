package service_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

func caller(name string, role service.Role, scopes ...service.Scope) service.Caller {
	from := service.FromOIDC
	if scopes != nil {
		from = service.FromToken
	}
	return service.Caller{Name: name, Role: role, From: from, Scopes: scopes}
}

var (
	nobody = service.Caller{}
	ada    = caller("ada", service.Developer) // owns it
	linus  = caller("linus", service.User)    // is listed
	mary   = caller("mary", service.Developer)
	root   = service.Operator("root")
)

func TestWhoIsAdmitted(t *testing.T) {
	m := service.Module{Name: "Echo", Owners: []string{"ada"}}
	open := service.Version{Module: "Echo", Version: "1.0.0"}
	named, listed := open, open
	named.Access.Visibility = service.Authenticated
	listed.Access = service.Access{Visibility: service.Listed, Users: []string{"linus"}}
	tests := []struct {
		name                string
		by                  service.Caller
		open, named, listed error
	}{
		{"nobody", nobody, nil, service.ErrUnauthenticated, service.ErrUnauthenticated},
		{"an owner", ada, nil, nil, nil},
		{"a listed user", linus, nil, nil, nil},
		{"another", mary, nil, nil, service.ErrDenied},
		{"an admin", root, nil, nil, nil},
		{"a token for all", caller("linus", service.User, "call:*"), nil, nil, nil},
		{"a token for it", caller("linus", service.User, "call:echo"), nil, nil, nil},
		{"another's token for it", caller("mary", service.User, "call:echo"), nil, nil, service.ErrDenied},
		{"a token for another", caller("linus", service.User, "call:other"), service.ErrDenied, service.ErrDenied, service.ErrDenied},
		{"an owner's token to register", caller("ada", service.Developer, "register:echo"), nil, nil, nil},
		{"a stranger's token to register", caller("mary", service.Developer, "register"), service.ErrDenied, service.ErrDenied, service.ErrDenied},
		{"an admin's token", caller("boss", service.Admin, "admin"), nil, nil, nil},
	}
	for _, tt := range tests {
		for i, v := range []service.Version{open, named, listed} {
			want := []error{tt.open, tt.named, tt.listed}[i]
			if err := m.Admit(tt.by, &v); !errors.Is(err, want) {
				t.Errorf("%s, %s: %v", tt.name, v.Access.Visibility, err)
			}
		}
	}
}

func TestWhoMayChangeAModule(t *testing.T) {
	m := service.Module{Name: "Echo", Owners: []string{"ada", "grace"}}
	tests := []struct {
		name string
		by   service.Caller
		want error
		text string
	}{
		{"nobody", nobody, service.ErrUnauthenticated, "needs a token"},
		{"an owner", ada, nil, ""},
		{"an owner who is no developer", caller("ada", service.User), service.ErrDenied, "is no developer"},
		{"another developer", mary, service.ErrDenied, "belongs to ada, grace, not to mary"},
		{"an admin", root, nil, ""},
		{"a token to register", caller("ada", service.Developer, "register"), nil, ""},
		{"a token to register it", caller("ada", service.Developer, "register:echo", "call:*"), nil, ""},
		{"a token to register another", caller("ada", service.Developer, "register:other"), service.ErrDenied, "needs register:Echo"},
		{"a token to call", caller("ada", service.User, "call:echo"), service.ErrDenied, "is no developer"},
	}
	for _, tt := range tests {
		if err := m.MayChange(tt.by); !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestWhatIsSeenOfAModule(t *testing.T) {
	open := service.Version{ID: "dyn-echo-1", Module: "Echo", Bundle: "sha256:1", Run: service.Run{Image: "i:1", Env: map[string]string{"A": "b"}, Args: []string{"-x"}}}
	listed := service.Version{ID: "dyn-echo-2", Module: "Echo", Access: service.Access{Visibility: service.Listed}}
	m := service.Module{Name: "Echo", Owners: []string{"ada"}, Versions: []service.Version{listed, open},
		Tags: map[string]service.ID{"dev": "dyn-echo-2", "release": "dyn-echo-1"}}
	for _, by := range []service.Caller{nobody, linus} {
		seen, ok := m.VisibleTo(by)
		want := service.Module{Name: "Echo", Owners: []string{"ada"}, Versions: []service.Version{open}, Tags: map[string]service.ID{"release": "dyn-echo-1"}}
		if diff := cmp.Diff(want, seen); diff != "" || !ok {
			t.Errorf("%s (-want +got)\n%s", by.Who(), diff)
		}
		if v := open.Shown(m, by); v.Bundle != "" || v.Run.Env != nil || v.Run.Args != nil || v.Run.Image != "i:1" {
			t.Errorf("%s is shown %+v", by.Who(), v)
		}
	}
	if seen, ok := m.VisibleTo(ada); !ok || len(seen.Versions) != 2 || len(seen.Tags) != 2 {
		t.Errorf("an owner sees %+v", seen)
	}
	if v := open.Shown(m, ada); v.Bundle == "" || v.Run.Env == nil {
		t.Errorf("an owner is shown %+v", v)
	}
	m.Versions = m.Versions[:1]
	if _, ok := m.VisibleTo(linus); ok {
		t.Error("a module without a version for them is seen")
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string]service.Scope{"call:*": "call:*", "call:Echo": "call:echo", "register": "register", "register:ECHO": "register:echo", "admin": "admin"} {
		if got, err := service.ParseScope(text); got != want || err != nil {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "call", "call:", "call:a b", "call:a:b", "register:*", "admin:x", "Admin", "calls:*", "call:Ec-ho"} {
		if got, err := service.ParseScope(text); !errors.Is(err, service.ErrInvalid) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestRolesAreText(t *testing.T) {
	text, err := json.Marshal(service.Caller{Name: "ada", Role: service.Developer, From: service.FromOIDC})
	if want := `{"name":"ada","role":"developer","from":"oidc"}`; string(text) != want || err != nil {
		t.Errorf("%s, %v", text, err)
	}
	var back service.Caller
	if err := json.Unmarshal(text, &back); err != nil || back.Role != service.Developer {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"role":"king"}`), &back); !errors.Is(err, service.ErrInvalid) {
		t.Errorf("king: %v", err)
	}
}
