package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/service"
)

// localDeployer unpacks a version's files and has this machine know it.
type localDeployer struct {
	runtime *local.Runtime
	catalog *catalog.Catalog
	images  *localImaging
	dir     string // a folder for each version
	place   string // where all run instead, as their author has it; empty: in their own
}

// Check refuses what cannot run on this machine.
func (d *localDeployer) Check(_ context.Context, v service.Version) ([]string, error) {
	if err := d.runtime.Able(&v); err != nil || v.Run.Image != "" {
		return nil, err
	}
	if filepath.Base(v.Run.Command) == v.Run.Command {
		if _, err := exec.LookPath(v.Run.Command); err != nil {
			return nil, service.Errorf(service.ErrInvalid, "%s needs %s, which is not installed on this machine", v.Module, v.Run.Command)
		}
	}
	return nil, nil
}

// Deploy unpacks the files once, or has the image be here, and makes the service known.
func (d *localDeployer) Deploy(ctx context.Context, v service.Version) error {
	if v.Run.Image != "" {
		if err := d.images.provide(ctx, d.catalog, v); err != nil {
			return err
		}
		return d.runtime.Ensure(ctx, service.Job{Version: v})
	}
	if d.place != "" {
		return d.runtime.Ensure(ctx, service.Job{Version: v, Dir: d.place})
	}
	dir := filepath.Join(d.dir, string(v.ID))
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := d.catalog.Unpack(ctx, v, dir); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return d.runtime.Ensure(ctx, service.Job{Version: v, Dir: dir})
}

// Source has nothing to show either.
func (d *localDeployer) Source(_ context.Context, id service.ID) (service.Job, error) {
	return service.Job{}, noJobs(id)
}

// Render has nothing to show: there is no Nomad.
func (d *localDeployer) Render(_ context.Context, v service.Version) (service.Job, error) {
	return service.Job{}, noJobs(v.ID)
}

func noJobs(id service.ID) error {
	return service.Errorf(service.ErrNotFound, "%s runs on this machine; jobs are rendered by an agent on Nomad", id)
}
