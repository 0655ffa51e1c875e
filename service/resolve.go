package service

import (
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

var (
	tagName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	hexPrefix = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
)

// listed bounds how many versions an error names.
const listed = 10

// ValidateTag reports why a tag may not have this name. A tag that could also
// be read as a version, a range, a commit or a service id would make what a
// reference means depend on which versions exist.
func ValidateTag(name string) error {
	switch {
	case !tagName.MatchString(name):
		return Errorf(ErrInvalid, "tag %q: a tag is 1 to 32 lower-case letters, digits and dashes and begins with a letter", name)
	case hexPrefix.MatchString(name):
		return Errorf(ErrInvalid, "tag %q could be read as a commit: choose a name with another letter than a to f in it", name)
	case strings.HasPrefix(name, idPrefix):
		return Errorf(ErrInvalid, "tag %q could be read as a service id: choose a name that does not begin with %q", name, idPrefix)
	}
	if _, err := semver.NewConstraint(name); err == nil {
		return Errorf(ErrInvalid, "tag %q could be read as a version range: choose a word such as dev, beta or release", name)
	}
	return nil
}

// Resolve finds the version of a module that a reference means. These forms are
// tried in this order, and the first that matches anything decides:
//
//	""              the version tagged release; where there is none, beta, else dev
//	dev             a tag
//	1.2.0  v1.2.0   an exact semver
//	^1.2  1.x  >=1  a semver range: the highest version in it
//	4f2a9c1         a commit, by 7 or more of its first hex digits
//	sha256:9c1e…    a content digest, by 7 or more of its first hex digits,
//	                with or without "sha256:"
//	dyn-…-4f2a9c1d  a service id
//
// A range takes pre-releases only where one of its bounds is itself a
// pre-release: "^1.2" never means 1.3.0-rc.1, ">=1.3.0-0" can.
// Several development versions may share one semver; then the one that is
// tagged release is meant, else one that was released, else the newest.
//
// The error is of kind [ErrNotFound] and says what there is, or of kind
// [ErrInvalid] where a prefix fits several versions.
func Resolve(m Module, ref string) (Version, error) {
	if v, ok := m.tagged(m.TagOf(ref)); ok {
		return v, nil
	}
	if ref == "" {
		return Version{}, Errorf(ErrNotFound, "module %s has no release yet: name a tag or version, %s", m.Name, m.have())
	}
	if v, ok := m.exact(ref); ok {
		return v, nil
	}
	if v, ok := m.highest(ref); ok {
		return v, nil
	}
	if v, ok, err := m.prefixed(ref); ok || err != nil {
		return v, err
	}
	if v, ok := m.byID(ID(strings.ToLower(ref))); ok {
		return v, nil
	}
	return Version{}, Errorf(ErrNotFound, "module %s has no version or tag %q: %s", m.Name, ref, m.have())
}

// TagOf is the tag that a reference means, by its name or by naming nothing;
// empty: it means none.
func (m *Module) TagOf(ref string) string {
	if ref != "" {
		if _, ok := m.tagged(ref); ok {
			return ref
		}
		return ""
	}
	// A module that was never released is still reachable without a version.
	for _, tag := range []string{Release, Beta, Dev} {
		if _, ok := m.tagged(tag); ok {
			return tag
		}
	}
	return ""
}

func (m *Module) byID(id ID) (Version, bool) {
	for _, v := range m.Versions {
		if v.ID == id {
			return v, true
		}
	}
	return Version{}, false
}

func (m *Module) tagged(tag string) (Version, bool) {
	id, ok := m.Tags[tag]
	if !ok {
		return Version{}, false
	}
	return m.byID(id)
}

func (m *Module) exact(ref string) (Version, bool) {
	want, err := semver.StrictNewVersion(strings.TrimPrefix(ref, "v"))
	if err != nil {
		return Version{}, false
	}
	return m.prefer(want.String())
}

// prefer chooses among the versions with the same semver.
func (m *Module) prefer(exact string) (Version, bool) {
	if v, ok := m.tagged(Release); ok && v.Version == exact {
		return v, true
	}
	var newest *Version
	for i := range m.Versions {
		v := &m.Versions[i]
		switch {
		case v.Version != exact:
		case v.Released:
			return *v, true
		case newest == nil:
			newest = v
		}
	}
	if newest == nil {
		return Version{}, false
	}
	return *newest, true
}

func (m *Module) highest(ref string) (Version, bool) {
	within, err := semver.NewConstraint(ref)
	if err != nil {
		return Version{}, false
	}
	var best *semver.Version
	for _, v := range m.Versions {
		sv, err := semver.StrictNewVersion(v.Version)
		if err != nil || !within.Check(sv) {
			continue
		}
		if best == nil || sv.GreaterThan(best) {
			best = sv
		}
	}
	if best == nil {
		return Version{}, false
	}
	return m.prefer(best.Original())
}

// prefixed finds a version by the first digits of its commit, else of its digest.
func (m *Module) prefixed(ref string) (Version, bool, error) {
	ref = strings.ToLower(ref)
	digits, digest := strings.CutPrefix(ref, "sha256:")
	if !hexPrefix.MatchString(digits) {
		return Version{}, false, nil
	}
	if !digest {
		v, ok, err := m.unique(ref, "commit", func(v Version) string { return v.Commit })
		if ok || err != nil {
			return v, ok, err
		}
	}
	return m.unique(digits, "digest", func(v Version) string { return strings.TrimPrefix(v.Digest, "sha256:") })
}

func (m *Module) unique(prefix, what string, of func(Version) string) (Version, bool, error) {
	var found Version
	var values []string
	for _, v := range m.Versions {
		value := of(v)
		if !strings.HasPrefix(value, prefix) || slices.Contains(values, value) {
			continue
		}
		if len(values) == 0 {
			found = v
		}
		values = append(values, value)
	}
	switch len(values) {
	case 0:
		return Version{}, false, nil
	case 1:
		return found, true, nil
	}
	slices.Sort(values)
	return Version{}, false, Errorf(ErrInvalid, "module %s has %d versions whose %s begins with %s (%s): give more digits",
		m.Name, len(values), what, prefix, some(values))
}

// have says which tags and versions exist.
func (m *Module) have() string {
	if len(m.Versions) == 0 {
		return "nothing is registered"
	}
	tags := make([]string, 0, len(m.Tags))
	for tag := range m.Tags {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	var versions []string
	for _, v := range m.Versions {
		if !slices.Contains(versions, v.Version) {
			versions = append(versions, v.Version)
		}
	}
	text := "there are the versions " + some(versions)
	if len(versions) == 1 {
		text = "there is the version " + versions[0]
	}
	switch len(tags) {
	case 0:
		return text + " and no tag"
	case 1:
		return text + " and the tag " + tags[0]
	}
	return text + " and the tags " + some(tags)
}

func some(names []string) string {
	if len(names) > listed {
		return strings.Join(names[:listed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
