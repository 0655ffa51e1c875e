package nomad

import (
	"context"

	"github.com/hashicorp/nomad/api"
)

// CPU returns the MHz that an instance uses, its sidecar included. Nomad passes
// the question on to the node that the instance runs on.
func (c *Cluster) CPU(ctx context.Context, alloc string) (mhz float64, err error) {
	q, cancel := c.query(ctx)
	defer cancel()
	use, err := c.calls.Allocations().Stats(&api.Allocation{ID: alloc}, q)
	if err != nil {
		return 0, classify(err, "measure "+alloc)
	}
	if use.ResourceUsage == nil || use.ResourceUsage.CpuStats == nil {
		return 0, nil // it has just begun
	}
	return use.ResourceUsage.CpuStats.TotalTicks, nil
}
