package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Role is what a caller may do in general. A higher one may do all that a lower
// one may.
type Role int

// The roles, in order.
const (
	Anonymous Role = iota // nobody knows who it is
	User                  // has a name
	Developer             // may register modules, and owns those
	Admin                 // may do everything
)

var roleNames = []string{"anonymous", "user", "developer", "admin"}

func (r Role) String() string {
	if r < Anonymous || r > Admin {
		return fmt.Sprintf("role %d", int(r))
	}
	return roleNames[r]
}

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a role's name.
func (r *Role) UnmarshalText(text []byte) error {
	i := slices.Index(roleNames, string(text))
	if i < 0 {
		return Errorf(ErrInvalid, "the role must be one of %s, not %q", strings.Join(roleNames, ", "), text)
	}
	*r = Role(i)
	return nil
}

// Origin is what vouches for a caller's identity.
type Origin string

// The origins of an identity.
const (
	FromNobody Origin = ""       // anonymous
	FromConfig Origin = "config" // the operator's own token, or the agent itself
	FromToken  Origin = "token"  // one of dynsvc's own tokens
	FromOIDC   Origin = "oidc"   // a JWT of an OpenID provider
	FromKBase  Origin = "kbase"  // a token of KBase's auth service
)

// Caller is who makes a request. The zero value is anonymous.
type Caller struct {
	Name   string  `json:"name,omitempty"` // empty: anonymous
	Role   Role    `json:"role"`
	From   Origin  `json:"from,omitempty"`
	Token  string  `json:"token,omitempty"`  // id of the dynsvc token that was used
	Scopes []Scope `json:"scopes,omitempty"` // nothing beyond these is allowed; nil: all that the role may
}

// Operator is the operator of this agent, or the agent itself on their behalf.
func Operator(name string) Caller { return Caller{Name: name, Role: Admin, From: FromConfig} }

// Known reports whether the caller has a name.
func (c *Caller) Known() bool { return c.Role > Anonymous }

// IsAdmin reports whether the caller may do everything.
func (c *Caller) IsAdmin() bool { return c.Role == Admin }

// MayCall reports whether the caller's scopes let it call a module. Whether the
// module lets the caller in is for [Module.Admit] to say.
func (c *Caller) MayCall(module string) bool {
	return c.Scopes == nil || c.IsAdmin() || granted(c.Scopes, scopeCall, module)
}

// MayRegister reports whether role and scopes let the caller register and manage a
// module of that name, if it owns it.
func (c *Caller) MayRegister(module string) bool {
	return c.IsAdmin() || c.Role == Developer && (c.Scopes == nil || granted(c.Scopes, scopeRegister, module))
}

// Manages reports whether the caller may change the module: its versions, tags,
// owners, and whether its services run.
func (c *Caller) Manages(m Module) bool {
	return c.IsAdmin() || c.MayRegister(m.Name) && slices.Contains(m.Owners, c.Name)
}

// Who names the caller in the audit trail.
func (c *Caller) Who() string {
	switch {
	case !c.Known():
		return "anonymous"
	case c.Token != "":
		return c.Name + " (token " + c.Token + ")"
	}
	return c.Name
}

// MaxUserName bounds the name of a caller, in bytes.
const MaxUserName = 128

// ValidUserName reports whether a name can stand in headers, lists and logs.
func ValidUserName(name string) bool {
	if name == "" || len(name) > MaxUserName || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsPrint(r) || r == ' ' || strings.ContainsRune(`,;"'<>\(){}`, r)
	})
}

type callerKey struct{}

// WithCaller returns a context for what is done on behalf of a caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns on whose behalf something is done; nobody's is anonymous.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
