package kbase

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Builds registers modules from git repositories. What it learns of a version
// (commit message, git URL, registration id) it leaves in the version and, with
// [store.DB.SetListing], beside the module; the facade reads it there.
type Builds interface {
	// Register begins a registration and returns its id at once. The caller may
	// register: that was asked before.
	Register(ctx context.Context, r Repository) (id string, err error)
	// Build returns one registration, whether it goes on or has ended.
	Build(ctx context.Context, id string) (Build, error)
	// Builds returns the registrations of a repository, or of all where url is
	// empty, newest first.
	Builds(ctx context.Context, url string) ([]Build, error)
	// Log returns what a registration printed.
	Log(ctx context.Context, id string) ([]BuildLine, error)
	// SetState ends the registration of a repository that is stuck.
	SetState(ctx context.Context, url, state, message string) error
}

// Repository is what somebody wants registered.
type Repository struct {
	URL    string
	Commit string // empty: the tip of the default branch
	By     service.Caller
}

// Build is one registration of a repository.
type Build struct {
	ID     string
	URL    string
	Module string // empty: not read yet
	State  string // waiting to start, started, building: <step>, complete, error
	Error  string
	At     time.Time
}

// BuildLine is a line of a build's log, with its end.
type BuildLine struct {
	Content string `json:"content"`
	Error   truth  `json:"error"`
}

// The states in which a registration has ended.
const (
	complete = "complete"
	failed   = "error"
)

var errNoBuilds = refusal("Repositories are not registered by this agent: upload the module's folder with dynsvc register.")

// registerRepo is register_repo.
func (f *Facade) registerRepo(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		GitURL *string `json:"git_url"`
		Commit *string `json:"git_commit_hash"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	if deref(in.GitURL) == "" {
		return nil, refusal("git_url not defined, but is required for registering a repository")
	}
	approved, err := f.Store.Approved(ctx, c.caller.Name)
	if err != nil {
		return nil, err
	}
	if !approved && !c.caller.IsAdmin() {
		return nil, refusal("You are not an approved developer.  Contact the administrators of this system to become one.")
	}
	if f.Builds == nil {
		return nil, errNoBuilds
	}
	e, err := f.find(ctx, named{GitURL: in.GitURL})
	switch {
	case err == nil && !owns(c.caller, e.Module):
		return nil, refusal("You (%q) are not an approved developer or owner of this module.", c.caller.Name)
	case err == nil && e.listing.Inactive:
		return nil, refusal("You cannot register new versions of this module.  It is inactive.")
	}
	last, ok, err := f.lastBuild(ctx, deref(in.GitURL))
	if err != nil {
		return nil, err
	}
	if ok && last.State != complete && last.State != failed {
		return nil, refusal("Registration already in progress for this git repo (%s)", deref(in.GitURL))
	}
	return f.Builds.Register(ctx, Repository{URL: deref(in.GitURL), Commit: deref(in.Commit), By: c.caller})
}

// lastBuild is the newest registration of a repository. ok is false where there
// was none.
func (f *Facade) lastBuild(ctx context.Context, url string) (b Build, ok bool, err error) {
	if f.Builds == nil || url == "" {
		return Build{}, false, nil
	}
	all, err := f.Builds.Builds(ctx, url)
	if err != nil || len(all) == 0 {
		return Build{}, false, err
	}
	return all[0], true, nil
}

// attempted reports whether somebody has tried to register a module.
func (f *Facade) attempted(ctx context.Context, n named) bool {
	if f.Builds == nil {
		return false
	}
	all, err := f.Builds.Builds(ctx, n.gitURL())
	return err == nil && slices.ContainsFunc(all, func(b Build) bool {
		return n.module() == "" || service.ModuleKey(b.Module) == service.ModuleKey(n.module())
	})
}

// build finds a registration by its id: one from git, or one of an upload, which
// is over when it has an id.
func (f *Facade) build(ctx context.Context, id string) (Build, []BuildLine, error) {
	if f.Builds != nil {
		b, err := f.Builds.Build(ctx, id)
		if err == nil {
			lines, err := f.Builds.Log(ctx, id)
			return b, lines, err
		}
		if !errors.Is(err, service.ErrNotFound) {
			return b, nil, err
		}
	}
	var found Build
	var lines []BuildLine
	err := f.each(ctx, func(e entry) error {
		for _, v := range e.Versions {
			if registrationID(v) == id {
				found = uploaded(&e, v)
				lines = []BuildLine{{Content: "registered " + v.Module + " " + v.Version + " from an upload by " + v.RegisteredBy + "\n"}}
			}
		}
		return nil
	})
	if err == nil && found.ID == "" {
		err = refusal("There is no registration %s.", id)
	}
	return found, lines, err
}

func uploaded(e *entry, v service.Version) Build {
	return Build{ID: registrationID(v), URL: e.gitURL, Module: v.Module, State: complete, At: v.RegisteredAt}
}

// buildLog is get_build_log.
func (f *Facade) buildLog(ctx context.Context, c *call) (any, error) {
	id, err := argument[string](c, 0)
	if err != nil {
		return nil, err
	}
	_, lines, err := f.build(ctx, id)
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.Content)
	}
	return text.String(), err
}

// buildInfo is a registration in lists.
type buildInfo struct {
	Timestamp    int64  `json:"timestamp"`
	ID           string `json:"registration_id"`
	Registration string `json:"registration"`
	Error        string `json:"error_message"`
	Module       string `json:"module_name_lc"`
	GitURL       string `json:"git_url"`
}

func (b *Build) info() buildInfo {
	return buildInfo{Timestamp: stamp(b.At), ID: b.ID, Registration: b.State, Error: b.Error, Module: service.ModuleKey(b.Module), GitURL: b.URL}
}

// parsedBuildLog is get_parsed_build_log.
func (f *Facade) parsedBuildLog(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		ID    string `json:"registration_id"`
		Skip  int    `json:"skip"`
		Limit int    `json:"limit"`
		First int    `json:"first_n"`
		Last  int    `json:"last_n"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	b, lines, err := f.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	const standard = 5000
	switch {
	case in.First > 0:
		lines = lines[:min(in.First, len(lines))]
	case in.Limit > 0:
		lines = lines[min(max(0, in.Skip), len(lines)):]
		lines = lines[:min(in.Limit, len(lines))]
	default:
		last := in.Last
		if last <= 0 {
			last = standard
		}
		lines = lines[max(0, len(lines)-last):]
	}
	if lines == nil {
		lines = []BuildLine{}
	}
	return struct {
		buildInfo
		Log []BuildLine `json:"log"`
	}{b.info(), lines}, nil
}

// listBuilds is list_builds.
func (f *Facade) listBuilds(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Running  truth   `json:"only_running"`
		Failed   truth   `json:"only_error"`
		Complete truth   `json:"only_complete"`
		Skip     int     `json:"skip"`
		Limit    int     `json:"limit"`
		Modules  []named `json:"modules"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	builds, err := f.allBuilds(ctx)
	if err != nil {
		return nil, err
	}
	builds = slices.DeleteFunc(builds, func(b Build) bool {
		running := b.State != complete && b.State != failed
		of := len(in.Modules) == 0 || slices.ContainsFunc(in.Modules, func(n named) bool {
			return n.module() != "" && service.ModuleKey(n.module()) == service.ModuleKey(b.Module) || n.gitURL() != "" && n.gitURL() == b.URL
		})
		return !of || bool(in.Running) && !running || bool(in.Failed) && b.State != failed || bool(in.Complete) && b.State != complete
	})
	builds = builds[min(max(0, in.Skip), len(builds)):]
	if in.Limit > 0 {
		builds = builds[:min(in.Limit, len(builds))]
	}
	all := make([]buildInfo, 0, len(builds))
	for i := range builds {
		all = append(all, builds[i].info())
	}
	return all, nil
}

// allBuilds are the registrations from git and the uploads, newest first.
func (f *Facade) allBuilds(ctx context.Context) ([]Build, error) {
	var builds []Build
	if f.Builds != nil {
		var err error
		if builds, err = f.Builds.Builds(ctx, ""); err != nil {
			return nil, err
		}
	}
	err := f.each(ctx, func(e entry) error {
		for _, v := range e.Versions {
			if v.Registration == "" {
				builds = append(builds, uploaded(&e, v))
			}
		}
		return nil
	})
	slices.SortStableFunc(builds, func(a, b Build) int { return b.At.Compare(a.At) })
	return builds, err
}

// setRegistrationState is set_registration_state.
func (f *Facade) setRegistrationState(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		named
		State string  `json:"registration_state"`
		Error *string `json:"error_message"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	if f.Builds == nil {
		return nil, errNoBuilds
	}
	url := in.gitURL()
	if e, err := f.find(ctx, in.named); err == nil {
		url = e.gitURL
	}
	return nothing{}, f.Builds.SetState(ctx, url, in.State, deref(in.Error))
}
