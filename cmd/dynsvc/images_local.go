package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/service"
)

// localImaging builds images with the Docker daemon of this machine, if there is one.
type localImaging struct {
	data    string
	docker  *local.Docker   // nil: there is none, or it is not to be used
	missing error           // why there is none
	why     string          // the same for who has a Dockerfile, with what to do
	builds  *localBuilds    // nil: docker is
	built   *builds.Builder // nil: builds is
}

// find looks for the daemon, where it is not said already that none is to be used.
func (i *localImaging) find(ctx context.Context) error {
	if i.why != "" {
		return nil
	}
	if i.docker, i.missing = local.FindDocker(ctx); i.missing != nil {
		i.why = fmt.Sprintf("no Docker daemon answers here (%v): start one, or name it in $DOCKER_HOST", i.missing)
		return ctx.Err()
	}
	i.builds = &localBuilds{docker: i.docker, dir: filepath.Join(i.data, "builds"), begun: map[string]service.Build{}}
	return i.builds.removeLeft()
}

// builder has images built; nil: none are.
func (i *localImaging) builder(log hclog.Logger) *builds.Builder {
	if i.builds != nil {
		i.built = builds.New(i.builds, log, builds.Options{Dir: i.builds.dir})
	}
	return i.built
}

// provide has the image of a version be on this machine: one that was built here and
// is gone, as after a clean-up, is built again.
func (i *localImaging) provide(ctx context.Context, cat *catalog.Catalog, v service.Version) error {
	if i.docker == nil || i.docker.Has(ctx, v.Run.Image) {
		return nil
	}
	if builtHere(&v) {
		return cat.Rebuild(ctx, v)
	}
	return i.docker.Pull(ctx, v.Run.Image)
}
