package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

func newStats(r *remote) *cobra.Command {
	var span, step string
	cmd := &cobra.Command{
		Use:   "stats MODULE[@VERSION]",
		Short: "Show who used a module how: calls, errors, latency, cold starts, callers",
		Long: `Shows the usage of a module, or of one version, method by method. The latency is what
callers saw, waiting for an instance included. Callers are distinct ones, above 255
estimated to within 6 %.`,
		Example: `  dynsvc stats FilterContigs
  dynsvc stats FilterContigs@release -for 720h -step 24h
  dynsvc stats FilterContigs -for 1h -json`,
		Args: exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref, _ := strings.Cut(args[0], "@")
			q := url.Values{"for": {span}, "step": {step}, "version": {ref}}
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
	if err := t.flush(); err != nil || len(st.Series) == 0 {
		return err
	}
	fmt.Fprintln(w)
	t = newTable(w, append([]string{"FROM"}, columns...)...)
	for _, p := range st.Series {
		t.row(append([]string{p.Start.Local().Format(time.DateTime)}, cells(p.Figures)...)...)
	}
	return t.flush()
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
