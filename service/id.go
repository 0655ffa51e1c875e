package service

import (
	"regexp"
	"strings"
)

// ID names a service: it is the id of its Nomad job and the name of its Consul
// service, a DNS label. It is never parsed back; module, version and commit are
// kept beside it.
type ID string

const (
	idPrefix   = "dyn-"
	slugLength = 40
	hashLength = 8
)

var moduleName = regexp.MustCompile(`^[A-Za-z0-9_]{1,63}$`)

// NewID derives the service id of a version from the module's name and the
// version's commit or, where there is none, its content digest.
func NewID(module, commit, digest string) ID {
	slug := strings.ReplaceAll(strings.ToLower(module), "_", "-")
	if len(slug) > slugLength {
		slug = slug[:slugLength]
	}
	// A label may not have a dash at either end of a part that is cut here.
	slug = strings.Trim(slug, "-")
	hash := commit
	if hash == "" {
		hash = strings.TrimPrefix(digest, "sha256:")
	}
	if len(hash) > hashLength {
		hash = hash[:hashLength]
	}
	if slug == "" {
		return ID(idPrefix + strings.ToLower(hash))
	}
	return ID(idPrefix + slug + "-" + strings.ToLower(hash))
}

// ModuleKey is the form under which module names are unique: letter case does
// not tell two modules apart.
func ModuleKey(name string) string { return strings.ToLower(name) }

// ValidModuleName reports whether a module may have this name.
func ValidModuleName(name string) bool { return moduleName.MatchString(name) }
