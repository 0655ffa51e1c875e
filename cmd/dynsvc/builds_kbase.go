package main

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// kbaseBuilds tells of registrations from git in the words of KBase's catalog.
type kbaseBuilds struct {
	registrar *repos.Registrar
	db        *store.DB
}

// builtStates are KBase's words for how far a registration is.
var builtStates = map[store.PullState]string{
	store.PullQueued: "waiting to start", store.PullRunning: "started", store.PullDone: "complete", store.PullFailed: "error",
}

// Register begins a registration of what becomes dev.
func (b *kbaseBuilds) Register(ctx context.Context, r kbase.Repository) (string, error) {
	by := r.By
	by.Role = max(by.Role, service.Developer) // KBase's own approval stands for it, and was asked for
	p, err := b.registrar.Begin(ctx, repos.Source{URL: r.URL, Ref: r.Commit}, service.Dev, by)
	return p.Name(), err
}

// Build returns one registration.
func (b *kbaseBuilds) Build(ctx context.Context, id string) (kbase.Build, error) {
	p, err := b.pull(ctx, id)
	return b.built(p), err
}

func (b *kbaseBuilds) pull(ctx context.Context, name string) (store.Pull, error) {
	id, ok := store.PullID(name)
	if !ok {
		return store.Pull{}, service.Errorf(service.ErrNotFound, "there is no registration %s", name)
	}
	p, err := b.db.Pull(ctx, id)
	if err == nil && p.Name() != name {
		err = service.Errorf(service.ErrNotFound, "there is no registration %s", name)
	}
	return p, err
}

// buildSteps are KBase's words for what a registration does.
var buildSteps = map[repos.Step]string{
	repos.Cloning: "cloning git repo", repos.Checking: "reading files and performing basic checks", repos.Building: "building the docker image",
}

func (b *kbaseBuilds) built(p store.Pull) kbase.Build {
	state := builtStates[p.State]
	if step, ok := buildSteps[b.registrar.Step(p.ID)]; ok && p.State == store.PullRunning {
		state = "building: " + step
	}
	return kbase.Build{ID: p.Name(), URL: p.URL, Module: p.Module, State: state, Error: p.Error, At: p.Asked}
}

// mostBuilds is how many registrations lists go back.
const mostBuilds = 1000

// Builds returns the registrations of a repository, or of all, newest first.
func (b *kbaseBuilds) Builds(ctx context.Context, url string) ([]kbase.Build, error) {
	pulls, err := b.db.Pulls(ctx, "", 0, mostBuilds)
	var all []kbase.Build
	for _, p := range pulls {
		if url == "" || p.URL == url {
			all = append(all, b.built(p))
		}
	}
	return all, err
}

// Log returns what a registration said until now.
func (b *kbaseBuilds) Log(ctx context.Context, id string) ([]kbase.BuildLine, error) {
	p, err := b.pull(ctx, id)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = b.registrar.Log(ctx, &text, p.ID, false)
	if errors.Is(err, service.ErrNotFound) {
		return []kbase.BuildLine{{Content: "the log is not kept any more\n"}}, nil
	}
	if err != nil {
		return nil, err
	}
	var lines []kbase.BuildLine
	for line := range strings.Lines(text.String()) {
		l := kbase.BuildLine{Content: line}
		if strings.HasPrefix(line, "failed: ") {
			l.Error = true
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// SetState ends a registration that is stuck, in KBase's words for its end.
func (b *kbaseBuilds) SetState(ctx context.Context, url, state, message string) error {
	pulls, err := b.db.Pulls(ctx, "", 0, mostBuilds)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		if p.URL != url {
			continue
		}
		switch state {
		case builtStates[store.PullDone]:
			return b.registrar.End(ctx, p.ID, nil)
		case builtStates[store.PullFailed]:
			return b.registrar.End(ctx, p.ID, service.Errorf(service.ErrInvalid, "%s", message))
		}
		return service.Errorf(service.ErrInvalid, "a registration ends as complete or error, not as %q", state)
	}
	return service.Errorf(service.ErrNotFound, "nothing was registered from %s", url)
}
