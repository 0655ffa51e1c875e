package main

import (
	"cmp"
	"context"
	"sync"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/nomad"
	"github.com/dynsvc/dynsvc/service"
)

// nomadBuilds runs builds as dispatched runs of one batch job.
type nomadBuilds struct {
	cluster  *nomad.Cluster
	settings jobspec.BuildSettings
	job      service.Job
	bundles  string // where nodes download uploaded archives

	mu       sync.Mutex
	verified bool // the job is what it should be
}

// Begin has the job exist and dispatches a run of it.
func (n *nomadBuilds) Begin(ctx context.Context, b service.Build) (builds.Run, error) {
	run, err := n.settings.Dispatch(b, n.bundles)
	if err != nil {
		return builds.Run{}, err
	}
	if err := n.place(ctx); err != nil {
		return builds.Run{}, err
	}
	if err := n.verify(ctx); err != nil {
		return builds.Run{}, err
	}
	if err := n.cluster.EnsureBatch(ctx, n.job); err != nil {
		return builds.Run{}, err
	}
	id, err := n.cluster.Dispatch(ctx, run)
	return builds.Run{ID: id, Image: run.Meta["image"]}, err
}

// place says at once that there is no node to build on, where waiting would not help.
func (n *nomadBuilds) place(ctx context.Context) error {
	nodes, err := n.cluster.Nodes(ctx)
	if err != nil {
		return err
	}
	class := cmp.Or(n.settings.Class, jobspec.BuilderClass)
	able := 0
	for _, node := range nodes {
		if node.Class == class && node.Ready {
			able++
			if node.Drivers[jobspec.RawExec] {
				return nil
			}
		}
	}
	if able > 0 {
		return service.Errorf(service.ErrUnavailable, "images are built on nodes of the class %q, and the driver raw_exec is not enabled on the %d there are: that is for the operator to do", class, able)
	}
	return service.Errorf(service.ErrUnavailable, "images are built on nodes of the class %q, and none is ready: that is for the operator to see to", class)
}

// verify checks the job as Nomad reads it, once.
func (n *nomadBuilds) verify(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.verified {
		return nil
	}
	parsed, err := n.cluster.Parse(ctx, n.job.HCL)
	if err != nil {
		return err
	}
	err = jobspec.VerifyBuild(n.settings, parsed)
	n.verified = err == nil
	return err
}

// Follow emits what a run says until it ends.
func (n *nomadBuilds) Follow(ctx context.Context, id string, emit func(task string, text []byte) error, waits func(reason string)) error {
	return n.cluster.FollowBatch(ctx, id, emit, waits)
}

// End stops and forgets a run.
func (n *nomadBuilds) End(ctx context.Context, id string) error { return n.cluster.EndBatch(ctx, id) }
