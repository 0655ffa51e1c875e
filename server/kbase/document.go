package kbase

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// document is a version as the catalog describes it. The two lists of ids go out
// under the names of the catalog's specification and of its implementation.
type document struct {
	Module           string   `json:"module_name,omitempty"`
	GitURL           string   `json:"git_url,omitempty"`
	Version          string   `json:"version"`
	Commit           string   `json:"git_commit_hash"`
	CommitMessage    string   `json:"git_commit_message"`
	Released         truth    `json:"released"`
	ReleaseTags      []string `json:"release_tags"`
	ReleaseTimestamp *int64   `json:"release_timestamp"`
	Timestamp        int64    `json:"timestamp"`
	RegistrationID   string   `json:"registration_id"`
	Dynamic          truth    `json:"dynamic_service"`
	NarrativeMethods []string `json:"narrative_methods"`
	NarrativeAppIDs  []string `json:"narrative_app_ids"`
	LocalFunctions   []string `json:"local_functions"`
	LocalFunctionIDs []string `json:"local_function_ids"`
	Image            string   `json:"docker_img_name"`
	Notes            string   `json:"notes"`
	DataFolder       string   `json:"data_folder,omitempty"`
	DataVersion      string   `json:"data_version,omitempty"`
	Description      string   `json:"module_description,omitempty"`
	Report           *report  `json:"compilation_report,omitempty"`
}

func (e *entry) document(v service.Version) document {
	d := document{
		Version: v.Version, Commit: hash(v), CommitMessage: v.CommitMessage, ReleaseTags: e.tagsOf(v.ID), Timestamp: v.RegisteredAt.UnixMilli(),
		RegistrationID: registrationID(v), Dynamic: truth(dynamic(v)), Image: v.Run.Image, DataVersion: v.DataVersion,
		NarrativeMethods: list(v.AppIDs), LocalFunctions: list(v.LocalFunctions),
	}
	d.NarrativeAppIDs, d.LocalFunctionIDs = d.NarrativeMethods, d.LocalFunctions
	if at, ok := e.releases[v.ID]; ok {
		d.Released, d.ReleaseTimestamp = true, new(at.UnixMilli())
	}
	if d.DataVersion != "" {
		d.DataFolder = strings.ToLower(v.Module)
	}
	return d
}

// named is the document of a version that stands alone.
func (e *entry) named(v service.Version) document {
	d := e.document(v)
	d.Module, d.GitURL = e.Name, e.gitURL
	return d
}

func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// registrationID has the form of KBase's, and is always the same of a version.
func registrationID(v service.Version) string {
	if v.Registration != "" {
		return v.Registration
	}
	d := strings.TrimPrefix(v.Digest, "sha256:")
	if len(d) < 32 {
		d += strings.Repeat("0", 32-len(d))
	}
	return fmt.Sprintf("%d_%s-%s-4%s-a%s-%s", v.RegisteredAt.UnixMilli(), d[:8], d[8:12], d[13:16], d[17:20], d[20:32])
}

// moduleVersion is get_module_version.
func (f *Facade) moduleVersion(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		named
		Version     *string `json:"version"`
		Description truth   `json:"include_module_description"`
		Report      truth   `json:"include_compilation_report"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	e, err := f.find(ctx, in.named)
	if err != nil {
		return nil, err
	}
	v, err := e.resolve(deref(in.Version))
	if err != nil {
		return nil, err
	}
	d := e.named(v)
	if in.Description {
		d.Description = v.Description
	}
	if in.Report {
		if d.Report, err = f.report(ctx, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// moduleInfo is get_module_info.
func (f *Facade) moduleInfo(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	info := struct {
		Module      string    `json:"module_name"`
		GitURL      string    `json:"git_url"`
		Description string    `json:"description"`
		Language    string    `json:"language"`
		Owners      []string  `json:"owners"`
		Release     *document `json:"release"`
		Beta        *document `json:"beta"`
		Dev         *document `json:"dev"`
	}{Module: e.Name, GitURL: e.gitURL, Owners: list(e.Owners)}
	for _, tag := range tags {
		if v, ok := e.tagged(tag); ok {
			d := e.document(v)
			switch tag {
			case service.Release:
				info.Release = &d
			case service.Beta:
				info.Beta = &d
			case service.Dev:
				info.Dev = &d
			}
			if info.Description == "" {
				info.Description, info.Language = v.Description, v.Language
			}
		}
	}
	return info, nil
}

// listed finds the module that the first argument names, with the text that KBase
// has for one that is not there.
func (f *Facade) listed(ctx context.Context, c *call) (entry, error) {
	n, err := argument[named](c, 0)
	if err != nil {
		return entry{}, err
	}
	e, err := f.find(ctx, n)
	if err == errNoModule { //nolint:errorlint // the very value
		err = errNotListed
	}
	return e, err
}

// versionInfo is get_version_info.
func (f *Facade) versionInfo(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	in, err := argument[struct {
		Version   *string `json:"version"`
		Timestamp *int64  `json:"timestamp"`
		Commit    *string `json:"git_commit_hash"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	version, commit := deref(in.Version), deref(in.Commit)
	for _, v := range e.Versions {
		if tagged, ok := e.tagged(version); ok && tagged.ID != v.ID || !ok && version != "" && version != v.Version {
			continue
		}
		if (commit == "" || commit == hash(v)) && (in.Timestamp == nil || *in.Timestamp == v.RegisteredAt.UnixMilli()) {
			return e.named(v), nil
		}
	}
	return nil, refusal("No version found that matches all your criteria!")
}

// releasedVersions is list_released_module_versions.
func (f *Facade) releasedVersions(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	all := []document{}
	for _, v := range e.Versions {
		if _, ok := e.releases[v.ID]; ok {
			all = append(all, e.named(v))
		}
	}
	return all, nil
}

// stamp is a time as KBase writes it: ms, 0 for none.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
