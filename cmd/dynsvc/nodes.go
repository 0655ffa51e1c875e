package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
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
		t.row(n.Class, n.Name, n.Pool, n.Datacenter, strconv.Itoa(n.CPU), strconv.Itoa(n.Memory), devices(n.Devices), healthy(n.Drivers), state)
	}
	return t.flush()
}

func devices(all []service.Device) string {
	words := make([]string, 0, len(all))
	for _, d := range all {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%d %s %s", d.Count, d.Name, d.Model)))
	}
	return strings.Join(words, ", ")
}

func healthy(drivers map[string]bool) string {
	return strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(drivers)), func(name string) bool { return !drivers[name] }), " ")
}
