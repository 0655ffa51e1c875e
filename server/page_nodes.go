package server

import (
	"cmp"
	"context"
	"slices"

	"github.com/dynsvc/dynsvc/service"
)

// nodesPage is the machines that services can run on.
type nodesPage struct {
	Program string // of dynsvc
	Caller  service.Caller
	Nodes   []service.Node
}

func (a *api) nodesPage(ctx context.Context) (*nodesPage, error) {
	nodes, err := a.Cluster.Nodes(ctx)
	slices.SortFunc(nodes, func(a, b service.Node) int { return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name)) })
	return &nodesPage{a.opts.Version, service.CallerOf(ctx), nodes}, err
}
