package main

import (
	"context"
	"fmt"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/nomad"
	"github.com/dynsvc/dynsvc/service"
)

// nomadDeployer places and renders a version and has Nomad hold its job.
type nomadDeployer struct {
	cluster  *nomad.Cluster
	renderer *jobspec.Renderer
	rules    jobspec.Rules
	named    []service.Class
	allow    func(ctx context.Context, id service.ID) error // lets the gateway in; nil: no mesh
}

// Check says whether a version could run here: a class holds it, its job renders,
// Nomad accepts it, and it is what was meant.
func (d *nomadDeployer) Check(ctx context.Context, v service.Version) ([]string, error) {
	placement, job, err := d.render(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := d.verify(ctx, v, placement, job); err != nil {
		return nil, err
	}
	warnings, err := d.cluster.Validate(ctx, job.HCL)
	return append(placement.Notices, warnings...), err
}

// Deploy has the job exist, with count 0 if it is new.
func (d *nomadDeployer) Deploy(ctx context.Context, v service.Version) error {
	placement, job, err := d.render(ctx, v)
	if err != nil {
		return err
	}
	if err := d.verify(ctx, v, placement, job); err != nil {
		return err
	}
	if d.allow != nil {
		// Before the job: an instance must never run without its intention.
		if err := d.allow(ctx, v.ID); err != nil {
			return err
		}
	}
	return d.cluster.Ensure(ctx, job)
}

// Render returns the job as it would be submitted now.
func (d *nomadDeployer) Render(ctx context.Context, v service.Version) (service.Job, error) {
	_, job, err := d.render(ctx, v)
	return job, err
}

// Source returns the job as Nomad has it.
func (d *nomadDeployer) Source(ctx context.Context, id service.ID) (service.Job, error) {
	return d.cluster.Source(ctx, id)
}

func (d *nomadDeployer) render(ctx context.Context, v service.Version) (jobspec.Placement, service.Job, error) {
	nodes, err := d.cluster.Nodes(ctx)
	if err != nil {
		return jobspec.Placement{}, service.Job{}, fmt.Errorf("read the nodes: %w", err)
	}
	placement, err := jobspec.Place(v, jobspec.Classes(nodes, d.named), d.rules)
	if err != nil {
		return placement, service.Job{}, err
	}
	job, err := d.renderer.Render(v, placement)
	return placement, job, err
}

// verify checks the job as Nomad reads it, not as it was written.
func (d *nomadDeployer) verify(ctx context.Context, v service.Version, p jobspec.Placement, job service.Job) error {
	parsed, err := d.cluster.Parse(ctx, job.HCL)
	if err != nil {
		return err
	}
	return d.renderer.Verify(v, p, parsed)
}
