package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
)

func newStatus(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "status [MODULE[@VERSION]]",
		Short: "Show what runs, or all about one service: instances, decisions, reasons",
		Example: `  dynsvc status
  dynsvc status FilterContigs
  dynsvc status FilterContigs@1.2.0 -json`,
		Args: between(0, 1, "at most one module"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return r.statuses(cmd)
			}
			v, err := r.version(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var d server.Detail
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/services/"+string(v.ID), nil, &d); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), d)
			}
			return printDetail(cmd.OutOrStdout(), d)
		},
	}
}

func (r *remote) statuses(cmd *cobra.Command) error {
	all := []server.Status{}
	if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/services", nil, &all); err != nil {
		return err
	}
	if r.json {
		return printJSON(cmd.OutOrStdout(), all)
	}
	t := newTable(cmd.OutOrStdout(), "MODULE", "VERSION", "TAGS", "PHASE", "READY", "IN FLIGHT", "QUEUED", "SERVICE")
	t.none = noModules
	for _, s := range all {
		t.row(s.Module, s.Version, strings.Join(s.Tags, ","), string(s.Phase), fmt.Sprintf("%d/%d", s.Ready, s.Count),
			strconv.Itoa(s.Load.InFlight), strconv.Itoa(s.Load.Queued), string(s.ID))
	}
	return t.flush()
}

func printDetail(w io.Writer, d server.Detail) error {
	t := newTable(w, "Service", string(d.ID))
	t.row("Module", d.Module+" "+d.Version+" "+strings.Join(d.Tags, ","))
	t.row("Phase", string(d.Phase))
	t.row("Instances", fmt.Sprintf("%d ready of %d wanted (min %d, max %d)", d.Ready, d.Count, d.Definition.Scale.Min, d.Definition.Scale.Max))
	t.row("Calls", fmt.Sprintf("%d in flight, %d queued, last %s", d.Load.InFlight, d.Load.Queued, ago(d.Load.LastBusy)))
	t.row("Last hour", fmt.Sprintf("%d calls, %d errors, %d cold starts, %s on average, %s at most", d.Usage.Calls, d.Usage.Errors,
		d.Usage.ColdStarts, d.Usage.Latency.Round(time.Millisecond/10), d.Usage.LatencyMax.Round(time.Millisecond/10)))
	if d.Failure != "" {
		t.row("Failure", d.Failure)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(d.State.Endpoints) > 0 {
		fmt.Fprintln(w)
		t = newTable(w, "INSTANCE", "ADDRESS", "TRANSPORT", "NODE", "PLACED", "CHECK")
		for _, e := range d.State.Endpoints {
			t.row(e.Alloc, e.Addr, string(e.Transport), e.Node, ago(e.Placed), string(e.Check))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if len(d.Decisions) > 0 {
		fmt.Fprintln(w)
		t = newTable(w, "DECIDED", "COUNT", "KIND", "REASON", "OUTCOME")
		for _, x := range d.Decisions {
			t.row(x.At.Local().Format(time.DateTime), fmt.Sprintf("%d -> %d", x.From, x.To), string(x.Kind), x.Reason, x.Outcome)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if len(d.Explain) > 0 {
		_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(d.Explain, "\n"))
		return err
	}
	return nil
}
