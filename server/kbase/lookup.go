package kbase

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// named is how KBase's clients name a module.
type named struct {
	Module *string `json:"module_name"`
	GitURL *string `json:"git_url"`
}

func (n *named) module() string { return deref(n.Module) }
func (n *named) gitURL() string { return deref(n.GitURL) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(*s)
}

// entry is a module with what the catalog says of it.
type entry struct {
	service.Module
	listing  store.Listing
	gitURL   string
	releases map[service.ID]time.Time
}

// modulePath is where a module that is not from git can be looked at.
const modulePath = "/api/v1/modules/"

// source is a module's git URL or, for clients that want one of each module, where
// it can be looked at.
func (f *Facade) source(m service.Module, l store.Listing) string {
	if l.GitURL != "" {
		return l.GitURL
	}
	for _, v := range m.Versions {
		if v.Repository != "" {
			return v.Repository
		}
	}
	return f.opts.URL + modulePath + m.Name
}

// find looks a module up by its name in any letter case, its git URL, or both.
func (f *Facade) find(ctx context.Context, n named) (entry, error) {
	name, url := n.module(), n.gitURL()
	if name == "" && url == "" {
		return entry{}, errUnnamed
	}
	listings, err := f.Store.Listings(ctx)
	if err != nil {
		return entry{}, err
	}
	if name == "" {
		name = strings.TrimPrefix(url, f.opts.URL+modulePath)
		for key, l := range listings {
			if l.GitURL == url {
				name = key
			}
		}
	}
	m, err := f.Store.Module(ctx, name)
	if errors.Is(err, service.ErrNotFound) {
		if f.attempted(ctx, n) {
			return entry{}, errNoVersions
		}
		return entry{}, errNoModule
	}
	if err != nil {
		return entry{}, err
	}
	m, seen := visible(ctx, m)
	e := entry{Module: m, listing: listings[service.ModuleKey(m.Name)]}
	e.gitURL = f.source(m, e.listing)
	if !seen || e.listing.Deleted || url != "" && url != e.gitURL {
		return entry{}, errNoModule
	}
	e.releases, err = f.Store.Releases(ctx, m.Name)
	return e, err
}

// each calls do for every module that is not deleted, by name.
func (f *Facade) each(ctx context.Context, do func(entry) error) error {
	listings, err := f.Store.Listings(ctx)
	if err != nil {
		return err
	}
	releases, err := f.Store.Releases(ctx, "")
	if err != nil {
		return err
	}
	return f.Store.AllModules(ctx, func(m service.Module) error {
		m, seen := visible(ctx, m)
		e := entry{Module: m, listing: listings[service.ModuleKey(m.Name)], releases: releases}
		if !seen || e.listing.Deleted {
			return nil
		}
		e.gitURL = f.source(m, e.listing)
		return do(e)
	})
}

// tags are those that KBase knows, the first that a lookup without a version takes
// at the front.
var tags = []string{service.Release, service.Beta, service.Dev}

func (e *entry) tagged(tag string) (service.Version, bool) {
	id, ok := e.Tags[tag]
	if !ok {
		return service.Version{}, false
	}
	return e.byID(id)
}

func (e *entry) byID(id service.ID) (service.Version, bool) {
	i := slices.IndexFunc(e.Versions, func(v service.Version) bool { return v.ID == id })
	if i < 0 {
		return service.Version{}, false
	}
	return e.Versions[i], true
}

// tagsOf are a version's tags, of those that KBase knows.
func (e *entry) tagsOf(id service.ID) []string {
	of := []string{}
	for _, tag := range tags {
		if e.Tags[tag] == id {
			of = append(of, tag)
		}
	}
	return of
}

// resolve finds the version that a reference means to KBase's clients: a tag, a
// whole commit, a released version, or the highest released one that a requirement
// allows. The first of these that it can be decides.
func (e *entry) resolve(ref string) (service.Version, error) {
	ref = strings.TrimSpace(ref)
	if ref == "" || ref == "auto" {
		for _, tag := range tags {
			if v, ok := e.tagged(tag); ok {
				return v, nil
			}
		}
		return service.Version{}, errNoVersion
	}
	if slices.Contains(tags, ref) {
		if v, ok := e.tagged(ref); ok {
			return v, nil
		}
		return service.Version{}, errNoVersion
	}
	for _, v := range e.Versions {
		if hash(v) == ref {
			return v, nil
		}
	}
	if v, ok := e.released(ref, false); ok {
		return v, nil
	}
	return service.Version{}, errNoVersion
}

// released finds the released version that equals a reference or, where none does,
// the highest that it allows as a requirement.
func (e *entry) released(ref string, servicesOnly bool) (found service.Version, ok bool) {
	if exact, err := semver.StrictNewVersion(ref); err == nil {
		for _, v := range e.Versions {
			if _, is := e.releases[v.ID]; is && v.Version == exact.Original() && (!servicesOnly || dynamic(v)) {
				return v, true
			}
		}
	}
	r, valid := parseRequirement(ref)
	if !valid {
		return service.Version{}, false
	}
	var best *semver.Version
	for _, v := range e.Versions {
		sv, err := semver.StrictNewVersion(v.Version)
		if _, is := e.releases[v.ID]; err != nil || !is || !r.holds(sv) || servicesOnly && !dynamic(v) {
			continue
		}
		if best == nil || sv.GreaterThan(best) {
			best, found, ok = sv, v, true
		}
	}
	return found, ok
}

// hashLength is that of a git commit.
const hashLength = 40

// hash is a version's commit or, where there is no git, as many digits of what its
// files come to.
func hash(v service.Version) string {
	if v.Commit != "" {
		return v.Commit
	}
	digits := strings.TrimPrefix(v.Digest, "sha256:")
	return digits[:min(hashLength, len(digits))]
}

// dynamic reports whether a version is a service to KBase's clients, which wait for
// an answer: one whose every method is for jobs is none.
func dynamic(v service.Version) bool {
	return len(v.Methods) == 0 || slices.ContainsFunc(v.Methods, func(m service.Method) bool { return m.Mode != service.Async })
}
