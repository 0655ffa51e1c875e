package kbase

import (
	"context"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// commitOf is all that lists say of a version.
type commitOf struct {
	Commit string `json:"git_commit_hash"`
}

// basicInfo is a module in a list.
type basicInfo struct {
	Module   string     `json:"module_name"`
	GitURL   string     `json:"git_url"`
	Language string     `json:"language"`
	Dynamic  truth      `json:"dynamic_service"`
	Owners   []string   `json:"owners"`
	Dev      *commitOf  `json:"dev"`
	Beta     *commitOf  `json:"beta"`
	Release  *commitOf  `json:"release"`
	Released []commitOf `json:"release_version_list"`
	Same     []commitOf `json:"released_version_list"` // as the specification has it
}

func (e *entry) basic() basicInfo {
	b := basicInfo{Module: e.Name, GitURL: e.gitURL, Owners: list(e.Owners), Released: []commitOf{}}
	for _, tag := range tags {
		v, ok := e.tagged(tag)
		if !ok {
			continue
		}
		switch tag {
		case service.Release:
			b.Release = &commitOf{hash(v)}
		case service.Beta:
			b.Beta = &commitOf{hash(v)}
		case service.Dev:
			b.Dev = &commitOf{hash(v)}
		}
	}
	if v, err := e.resolve(""); err == nil {
		b.Language, b.Dynamic = v.Language, truth(dynamic(v))
	}
	for _, v := range e.Versions {
		if _, ok := e.releases[v.ID]; ok {
			b.Released = append(b.Released, commitOf{hash(v)})
		}
	}
	b.Same = b.Released
	return b
}

// listBasic is list_basic_module_info.
func (f *Facade) listBasic(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Owners     []string `json:"owners"`
		Released   *truth   `json:"include_released"`
		Unreleased truth    `json:"include_unreleased"`
		Disabled   truth    `json:"include_disabled"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	released := in.Released == nil || bool(*in.Released)
	all := []basicInfo{}
	err = f.each(ctx, func(e entry) error {
		_, isReleased := e.tagged(service.Release)
		switch {
		case e.listing.Inactive && !bool(in.Disabled):
		case isReleased && !released, !isReleased && !bool(in.Unreleased):
		case len(in.Owners) > 0 && !slices.ContainsFunc(in.Owners, func(o string) bool { return slices.Contains(e.Owners, o) }):
		default:
			all = append(all, e.basic())
		}
		return nil
	})
	return all, err
}

// isRegistered is is_registered.
func (f *Facade) isRegistered(ctx context.Context, c *call) (any, error) {
	n, err := argument[named](c, 0)
	if err != nil {
		return nil, err
	}
	_, err = f.find(ctx, n)
	if err == errNoModule || err == errNoVersions || err == errUnnamed { //nolint:errorlint // the very values
		return 0, nil
	}
	return 1, err
}

// serviceModule is a service in the older lists.
type serviceModule struct {
	Module  string `json:"module_name"`
	Version string `json:"version"`
	Commit  string `json:"git_commit_hash"`
	Image   string `json:"docker_img_name"`
}

func serviceModuleOf(v service.Version) serviceModule {
	return serviceModule{Module: v.Module, Version: v.Version, Commit: hash(v), Image: v.Run.Image}
}

// listServices is list_service_modules.
func (f *Facade) listServices(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Tag *string `json:"tag"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	tag := deref(in.Tag)
	if tag != "" && !slices.Contains(tags, tag) {
		return nil, refusal(`tag parameter must be either "dev", "beta", or "release".`)
	}
	all := []serviceModule{}
	err = f.each(ctx, func(e entry) error {
		if e.listing.Inactive {
			return nil
		}
		for _, v := range e.Versions {
			_, released := e.releases[v.ID]
			if dynamic(v) && (tag == "" && released || tag != "" && e.Tags[tag] == v.ID) {
				all = append(all, serviceModuleOf(v))
			}
		}
		return nil
	})
	return all, err
}

// lookup is module_version_lookup, older and simpler than get_module_version.
func (f *Facade) lookup(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	in, err := argument[struct {
		Lookup       *string `json:"lookup"`
		ServicesOnly *truth  `json:"only_service_versions"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	servicesOnly := in.ServicesOnly == nil || bool(*in.ServicesOnly)
	ref := deref(in.Lookup)
	if slices.Contains(tags, ref) {
		v, ok := e.tagged(ref)
		switch {
		case !ok:
			return nil, refusal("No suitable version matches your lookup.")
		case servicesOnly && !dynamic(v):
			return nil, refusal(`The "%s" version is not marked as a Service Module.`, ref)
		}
		return serviceModuleOf(v), nil
	}
	if ref == "" {
		ref = ">=0.0.0"
	}
	if v, ok := e.released(ref, servicesOnly); ok {
		return serviceModuleOf(v), nil
	}
	for _, v := range e.Versions {
		_, released := e.releases[v.ID]
		known := released || e.Tags[service.Dev] == v.ID || e.Tags[service.Beta] == v.ID
		if known && hash(v) == strings.TrimSpace(ref) && (!servicesOnly || dynamic(v)) {
			return serviceModuleOf(v), nil
		}
	}
	return nil, refusal("No suitable version matches your lookup.")
}
