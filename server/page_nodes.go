package server

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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

// devices is what a node has besides its processors: "2 nvidia/gpu A100".
func devices(n service.Node) string {
	words := make([]string, len(n.Devices))
	for i, d := range n.Devices {
		words[i] = strings.TrimSpace(fmt.Sprintf("%d %s %s", d.Count, d.Name, d.Model))
	}
	return strings.Join(words, ", ")
}

// drivers are those of a node that work.
func drivers(n service.Node) string {
	return strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(n.Drivers)), func(name string) bool { return !n.Drivers[name] }), " ")
}
