package service

import (
	"fmt"
	"slices"
	"strings"
)

// Visibility says who may see and call a version.
type Visibility string

// The visibilities.
const (
	Public        Visibility = "public"        // everyone
	Authenticated Visibility = "authenticated" // everyone with a name
	Listed        Visibility = "listed"        // the users in the list, owners and admins
)

// Access is who may see and call a version. The zero value is public.
type Access struct {
	Visibility Visibility `json:"visibility,omitempty"`
	Users      []string   `json:"users,omitempty"` // with Listed
}

const maxListed = 1000

func (a *Access) validate(f *faults) {
	switch a.Visibility {
	case "", Public, Authenticated, Listed:
	default:
		f.add("access.visibility", "must be public, authenticated or listed, not %q", a.Visibility)
	}
	f.check(len(a.Users) == 0 || a.Visibility == Listed, "access.users", "is for visibility = \"listed\": set that or leave it out")
	f.check(len(a.Users) <= maxListed, "access.users", "has more than %d users: visibility = \"authenticated\" and a check in the service does better", maxListed)
	seen := map[string]bool{}
	for i, user := range a.Users {
		field := fmt.Sprintf("access.users[%d]", i)
		f.check(ValidUserName(user), field, "must be a user name, not %q", user)
		f.check(!seen[user], field, "%q is listed twice: remove one", user)
		seen[user] = true
	}
}

// Open reports whether everyone is let in, so that nobody need be asked for a name.
func (a *Access) Open() bool { return a.Visibility == "" || a.Visibility == Public }

// Admit says whether a version of the module lets the caller see and call it, and
// whether the caller's own scopes do: nil, or [ErrUnauthenticated] or [ErrDenied]
// with a text for the caller.
func (m *Module) Admit(c Caller, v *Version) error {
	if err := m.admit(c, v); err != nil {
		return err
	}
	if !c.MayCall(m.Name) && !c.Manages(*m) {
		return Errorf(ErrDenied, "this token of %s does not hold for %s: it has the scopes %s and needs call:%s",
			c.Name, m.Name, joinScopes(c.Scopes), m.Name)
	}
	return nil
}

func (m *Module) admit(c Caller, v *Version) error {
	switch {
	case v.Access.Open():
		return nil
	case !c.Known():
		// KBase's clients and tests look for this text.
		return Errorf(ErrUnauthenticated, "Authentication required for %s but no authentication header was passed", m.Name)
	case v.Access.Visibility == Authenticated, c.IsAdmin(),
		slices.Contains(m.Owners, c.Name), slices.Contains(v.Access.Users, c.Name):
		return nil
	}
	return Errorf(ErrDenied, "%s %s is open to listed users only, and %s is not among them: ask an owner (%s)",
		m.Name, v.Version, c.Name, strings.Join(m.Owners, ", "))
}

// MayChange says whether the caller may register versions of the module, move its
// tags, name its owners, and start and stop its services: nil, or
// [ErrUnauthenticated] or [ErrDenied] with a text for the caller.
func (m *Module) MayChange(c Caller) error {
	switch {
	case c.Manages(*m):
		return nil
	case !c.Known():
		return Errorf(ErrUnauthenticated, "changing %s needs a token of one of its owners or an admin: Authorization: Bearer TOKEN", m.Name)
	case c.Role < Developer:
		return Errorf(ErrDenied, "%s is no developer and may not change %s: ask an admin of dynsvc", c.Name, m.Name)
	case !c.MayRegister(m.Name):
		return Errorf(ErrDenied, "this token of %s may not change %s: it has the scopes %s and needs register:%s",
			c.Name, m.Name, joinScopes(c.Scopes), m.Name)
	case len(m.Owners) == 0:
		return Errorf(ErrDenied, "%s belongs to the admins of dynsvc, not to %s: ask one of them", m.Name, c.Name)
	}
	return Errorf(ErrDenied, "%s belongs to %s, not to %s: ask an owner", m.Name, strings.Join(m.Owners, ", "), c.Name)
}

// VisibleTo returns the module with those versions and tags only that the caller
// may see; ok is false where none is left.
func (m Module) VisibleTo(c Caller) (seen Module, ok bool) {
	closed := func(v Version) bool { return m.Admit(c, &v) != nil }
	if !slices.ContainsFunc(m.Versions, closed) {
		return m, len(m.Versions) > 0
	}
	seen = m
	seen.Versions = slices.DeleteFunc(slices.Clone(m.Versions), closed)
	seen.Tags = make(map[string]ID, len(m.Tags))
	for _, v := range seen.Versions {
		for _, tag := range m.TagsOf(v.ID) {
			seen.Tags[tag] = v.ID
		}
	}
	return seen, len(seen.Versions) > 0
}

func joinScopes(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// Shown is the version as the caller may read it. What it runs, with which
// arguments and environment, and the name under which its files can be downloaded,
// are for those who manage the module.
func (v Version) Shown(m Module, c Caller) Version {
	if c.Manages(m) {
		return v
	}
	v.Run = Run{Image: v.Run.Image, Port: v.Run.Port, Health: v.Run.Health, StopGrace: v.Run.StopGrace}
	v.Bundle, v.Access.Users = "", nil
	return v
}
