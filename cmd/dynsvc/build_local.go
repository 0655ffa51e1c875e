package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/service"
)

// localImages begins the names of images that are built on this machine and are in no
// registry.
const localImages = "dynsvc.local"

// builtHere reports whether a version's image is one of them.
func builtHere(v *service.Version) bool { return strings.HasPrefix(v.Run.Image, localImages+"/") }

// localBuilds builds images with the Docker daemon of this machine.
type localBuilds struct {
	docker *local.Docker
	bundle func(checksum string) string // where an archive is
	dir    string                       // for the files of a build

	mu    sync.Mutex
	begun map[string]service.Build // by image
}

// Begin notes what Follow builds.
func (l *localBuilds) Begin(_ context.Context, b service.Build) (builds.Run, error) {
	image, err := jobspec.ImageName(localImages, b)
	if err != nil {
		return builds.Run{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[image] = b
	return builds.Run{ID: image, Image: image, Stays: true}, nil
}

// Follow builds.
func (l *localBuilds) Follow(ctx context.Context, image string, emit func(task string, text []byte) error, _ func(reason string)) (err error) {
	l.mu.Lock()
	b := l.begun[image]
	l.mu.Unlock()
	temp, err := os.MkdirTemp(l.dir, contextPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	dir := filepath.Join(temp, "module")
	if err := catalog.Unpack(ctx, l.bundle(b.Bundle), dir); err != nil {
		return err
	}
	return l.docker.Build(ctx, dir, b.Dockerfile, image, emitter(func(text []byte) error { return emit("build", text) }))
}

// contextPrefix begins the names of folders with the files of a build.
const contextPrefix = "build-"

// removeLeft removes those that a killed run has left.
func (l *localBuilds) removeLeft() error {
	left, err := filepath.Glob(filepath.Join(l.dir, contextPrefix+"*"))
	for _, dir := range left {
		if info, failed := os.Stat(dir); failed == nil && info.IsDir() { // a module may be named so, and have a log
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// End forgets a build, which ended with Follow.
func (l *localBuilds) End(_ context.Context, image string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.begun, image)
	return nil
}

// emitter is a writer to a function.
type emitter func(text []byte) error

func (e emitter) Write(p []byte) (int, error) { return len(p), e(p) }
