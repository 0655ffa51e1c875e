package service

import "strings"

// Scope is one thing that a token allows:
//
//	call:MODULE      calls of the module; call:* of every module
//	register         registering and managing modules that the caller owns, and new ones
//	register:MODULE  the same, for this module alone
//	admin            everything
type Scope string

// The scopes that name no module.
const (
	ScopeCallAll  Scope = "call:*"
	ScopeRegister Scope = "register"
	ScopeAdmin    Scope = "admin"
)

const (
	scopeCall     = "call"
	scopeRegister = "register"
)

// ParseScope checks a scope and brings its module into the form in which modules
// are compared.
func ParseScope(text string) (Scope, error) {
	kind, module, named := strings.Cut(text, ":")
	switch {
	case text == string(ScopeAdmin), text == string(ScopeRegister), text == string(ScopeCallAll):
		return Scope(text), nil
	case named && (kind == scopeCall || kind == scopeRegister) && ValidModuleName(module):
		return Scope(kind + ":" + ModuleKey(module)), nil
	}
	return "", Errorf(ErrInvalid, "%q is no scope: there are call:MODULE, call:*, register, register:MODULE and admin", text)
}

// Role is the least role that can use the scope.
func (s Scope) Role() Role {
	kind, _, _ := strings.Cut(string(s), ":")
	switch kind {
	case string(ScopeAdmin):
		return Admin
	case scopeRegister:
		return Developer
	}
	return User
}

// granted reports whether one of the scopes is of the kind and holds for the module.
func granted(scopes []Scope, kind, module string) bool {
	for _, s := range scopes {
		k, name, named := strings.Cut(string(s), ":")
		if k == kind && (!named || name == "*" || name == ModuleKey(module)) {
			return true
		}
	}
	return false
}
