package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Use returns what an instance uses, its sidecar included. Nomad passes the
// question on to the node that the instance runs on. An instance of which
// nothing was measured yet is [service.ErrUnavailable], not one that uses
// nothing.
func (c *Cluster) Use(ctx context.Context, alloc string) (service.Use, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	got, err := c.calls.Allocations().Stats(&api.Allocation{ID: alloc}, q)
	if err != nil {
		return service.Use{}, classify(err, "measure "+alloc)
	}
	if got.ResourceUsage == nil || got.ResourceUsage.CpuStats == nil || got.ResourceUsage.MemoryStats == nil {
		return service.Use{}, fmt.Errorf("measure %s: %w", alloc, service.Errorf(service.ErrUnavailable, "its node has not measured it yet"))
	}
	m := got.ResourceUsage.MemoryStats
	use := service.Use{CPU: got.ResourceUsage.CpuStats.TotalTicks, Memory: int64(m.RSS)}
	if use.Memory == 0 { // Docker says no RSS where control groups have none
		use.Memory = int64(m.Usage)
	}
	return use, nil
}
