package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

func newStats(r *remote) *cobra.Command {
	var span, step string
	var each bool
	cmd := &cobra.Command{
		Use:   "stats MODULE[@VERSION]",
		Short: "Show who used a module how: calls, errors, latency, cold starts, callers",
		Long: `Shows the usage of a module, or of one version, method by method. The latency is what
callers saw, waiting for an instance included. Callers are distinct ones, above 255
estimated to within 6 %.

Below stands what the instances used of their nodes, next to what the version reserves,
and how long Consul called one of them critical. TIME is summed over instances.`,
		Example: `  dynsvc stats FilterContigs
  dynsvc stats FilterContigs@release -for 720h -step 24h
  dynsvc stats FilterContigs@dev -for 1h -instances
  dynsvc stats FilterContigs -for 1h -json`,
		Args: exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref, _ := strings.Cut(args[0], "@")
			q := url.Values{"for": {span}, "step": {step}, "version": {ref}, "instances": {strconv.FormatBool(each)}}
			var st server.Stats
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/modules/"+url.PathEscape(name)+"/stats?"+q.Encode(), nil, &st); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), st)
			}
			return printStats(cmd.OutOrStdout(), st)
		},
	}
	cmd.Flags().StringVar(&span, "for", "24h", "how far back")
	cmd.Flags().BoolVar(&each, "instances", false, "each instance for itself; -for 6h at most, or as long as keep_samples says")
	cmd.Flags().StringVar(&step, "step", "", "also show it in steps of this width, e.g. 1h")
	return cmd
}

func printStats(w io.Writer, st server.Stats) error {
	fmt.Fprintf(w, "%s, %s to %s\n\n", st.Module, st.Since.Local().Format(time.DateTime), st.Until.Local().Format(time.DateTime))
	columns := []string{"CALLS", "ERRORS", "COLD", "CALLERS", "MEAN", "P50", "P95", "P99", "MAX", "PEAK"}
	t := newTable(w, append([]string{"METHOD", "VERSION"}, columns...)...)
	for _, m := range st.Methods {
		t.row(append([]string{cmp.Or(m.Method, "(not typed)"), m.Version}, cells(m.Figures)...)...)
	}
	t.row(append([]string{"all", ""}, cells(st.Total)...)...)
	if err := t.flush(); err != nil {
		return err
	}
	if err := printInstances(w, st); err != nil || len(st.Series) == 0 {
		return err
	}
	fmt.Fprintln(w)
	t = newTable(w, slices.Concat([]string{"FROM"}, columns, []string{"INSTANCES", "CPU", "MEMORY"})...)
	for _, p := range st.Series {
		i := cmp.Or(p.Instances, &server.Instances{})
		t.row(slices.Concat([]string{p.Start.Local().Format(time.DateTime)}, cells(p.Figures),
			[]string{strconv.FormatFloat(i.Mean, 'f', 2, 64), measured(i, i.CPU), measured(i, i.Memory)})...)
	}
	return t.flush()
}

// printInstances shows what instances used next to what they reserve.
func printInstances(w io.Writer, st server.Stats) error {
	if len(st.Instances) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable(w, "VERSION", "INSTANCE", "TIME", "COUNT", "CPU", "CPU MAX", "OF MHZ", "MEMORY", "MEMORY MAX", "OF MIB", "CRITICAL")
	for i := range st.Instances {
		v := &st.Instances[i]
		t.row(v.Version, cmp.Or(short(v.Alloc), "all"), v.Time.Round(time.Second).String(), strconv.FormatFloat(v.Mean, 'f', 2, 64),
			measured(&v.Instances, v.CPU), measured(&v.Instances, float64(v.CPUMax)), strconv.Itoa(v.ReservedCPU),
			measured(&v.Instances, v.Memory), measured(&v.Instances, v.MemoryMax), strconv.Itoa(v.ReservedMemory),
			v.Critical.Round(time.Second).String())
	}
	return t.flush()
}

// measured is a figure that may not be known.
func measured(i *server.Instances, x float64) string {
	if i.Measured.Duration == 0 {
		return "-"
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// short is as much of an instance's id as people read.
func short(alloc string) string {
	if len(alloc) > 8 {
		return alloc[:8]
	}
	return alloc
}

func cells(f server.Figures) []string {
	took := func(d service.Duration) string {
		switch {
		case d.Duration >= time.Second:
			return d.Duration.Round(10 * time.Millisecond).String()
		case d.Duration >= time.Millisecond:
			return d.Duration.Round(10 * time.Microsecond).String()
		}
		return d.Duration.Round(time.Microsecond).String()
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{count(f.Calls), count(f.Errors), count(f.ColdStarts), count(f.Callers),
		took(f.Mean), took(f.P50), took(f.P95), took(f.P99), took(f.Max), strconv.Itoa(f.InFlight)}
}
