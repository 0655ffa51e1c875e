package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// unbuilt stands for an image while it is asked whether the version could run at all.
const unbuilt = "unbuilt:1"

// build has the image of a version made, where it comes with a Dockerfile and images
// are built here. What could never be registered is refused before.
func (c *Catalog) build(ctx context.Context, s *staged, v *service.Version, u Upload) ([]Notice, error) {
	if is, notices, err := c.built(s, *v); err != nil || !is {
		return notices, err
	}
	same, err := c.db.VersionByDigest(ctx, v.Module, v.Digest)
	if err == nil {
		v.Run = same.Run // what is registered already stays as it is
		return nil, nil
	}
	if !errors.Is(err, service.ErrNotFound) {
		return nil, err
	}
	if err := c.db.CheckVersion(ctx, *v); err != nil {
		return nil, err
	}
	leaveUnbuilt(v)
	if warnings, err := c.deployer.Check(ctx, *v); err != nil {
		return warnings, err
	}
	defer c.lent.lend(v.Bundle, s.packed())()
	log := u.Log
	if log == nil {
		log = io.Discard
	}
	if u.Building != nil {
		u.Building()
	}
	v.Run.Image, err = c.opts.Builder.Build(ctx, buildOf(*v), log)
	return nil, err
}

// Rebuild makes the image of a version once more, by the same name.
func (c *Catalog) Rebuild(ctx context.Context, v service.Version) error {
	if c.opts.Builder == nil {
		return service.Errorf(service.ErrUnavailable, "the image %s is gone, and this agent builds none", v.Run.Image)
	}
	_, err := c.opts.Builder.Build(ctx, buildOf(v), io.Discard)
	return err
}

func buildOf(v service.Version) service.Build {
	return service.Build{Module: v.Module, Version: v.Version, Source: source(v), Bundle: v.Bundle, Dockerfile: v.Run.Dockerfile}
}

// built reports whether the image of a version is made here, of the Dockerfile that it
// comes with.
func (c *Catalog) built(s *staged, v service.Version) (bool, []Notice, error) {
	if v.Run.Dockerfile == "" || v.Run.Image != "" {
		return false, nil, nil
	}
	if c.opts.Builder == nil {
		if v.Run.Command == "" {
			why := cmp.Or(c.opts.NoImages, "this agent builds no images: its operator has not set builds { … }")
			return false, nil, service.Errorf(service.ErrInvalid, "%s is to be built from its %s, and %s; or give a command as well, which runs where no images are built", v.Module, v.Run.Dockerfile, why)
		}
		return false, []Notice{fmt.Sprintf("this agent builds no images: %s is not used, and the command %s is run", v.Run.Dockerfile, v.Run.Command)}, nil
	}
	if !slices.ContainsFunc(s.files, func(f file) bool { return f.name == v.Run.Dockerfile }) {
		return false, nil, service.Errorf(service.ErrInvalid, "%s is left out by %s: take it, and what it copies, out of there", v.Run.Dockerfile, ignoreFile)
	}
	return true, nil, nil
}

// leaveUnbuilt has a version as it will be, but for its image.
func leaveUnbuilt(v *service.Version) {
	v.Run.Command, v.Run.Args, v.Run.Build = "", nil, nil // they are for where images are not built
	v.Run.Image = unbuilt
}

// source names the files of a version: their commit or, where none is known, their digest.
func source(v service.Version) string {
	if v.Commit != "" {
		return v.Commit
	}
	return strings.TrimPrefix(v.Digest, "sha256:")
}

// BuildLog writes to w what the build of a version's image said, if it was built here.
func (c *Catalog) BuildLog(ctx context.Context, v service.Version, w io.Writer) error {
	if c.opts.Builder == nil || v.Run.Dockerfile == "" {
		return service.Errorf(service.ErrNotFound, "the image of %s was not built here", v.ID)
	}
	return c.opts.Builder.Log(ctx, w, buildOf(v))
}

// lent are archives that nodes may download though no version has them yet.
type lent struct {
	mu    sync.Mutex
	paths map[string][]string // checksum -> files, all with the same contents
}

// lend makes an archive one of them until what it returns is called.
func (l *lent) lend(checksum, path string) (giveBack func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paths == nil {
		l.paths = map[string][]string{}
	}
	l.paths[checksum] = append(l.paths[checksum], path)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.paths[checksum] = slices.DeleteFunc(l.paths[checksum], func(p string) bool { return p == path })
		if len(l.paths[checksum]) == 0 {
			delete(l.paths, checksum)
		}
	}
}

func (l *lent) find(checksum string) (path string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.paths[checksum]; len(all) > 0 {
		return all[0], true
	}
	return "", false
}
