package main

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

func newNodes(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "nodes",
		Short: "List the machines that services can run on, by class, with what they can hold",
		Long: `Lists the machines that instances are placed on. CPU is in MHz, memory in MiB, both
without what is reserved for the system. A service is placed on every class that can
hold it, and prefers the tightest.`,
		Example: "  dynsvc nodes\n  dynsvc nodes -json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var nodes []service.Node
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/nodes", nil, &nodes); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), nodes)
			}
			return printNodes(cmd.OutOrStdout(), nodes)
		},
	}
}

func printNodes(w io.Writer, nodes []service.Node) error {
	slices.SortFunc(nodes, func(a, b service.Node) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Name, b.Name))
	})
	t := newTable(w, "CLASS", "NODE", "POOL", "DATACENTER", "CPU", "MEMORY", "DEVICES", "DRIVERS", "STATE")
	for _, n := range nodes {
		state := "ready"
		if !n.Ready {
			state = "takes no instances"
		}
		held := make([]string, len(n.Devices))
		for i, d := range n.Devices {
			held[i] = d.String()
		}
		t.row(n.Class, n.Name, n.Pool, n.Datacenter, strconv.Itoa(n.CPU), strconv.Itoa(n.Memory), strings.Join(held, ", "), strings.Join(n.Working(), " "), state)
	}
	return t.flush()
}
