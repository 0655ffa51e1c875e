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

func newPolicyShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "show MODULE[@VERSION]",
		Short:   "Show what the count of a service follows",
		Example: "  dynsvc policy show FilterContigs\n  dynsvc policy show FilterContigs@dev -json",
		Args:    exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, p, err := r.policy(cmd, args[0])
			if err != nil || r.json {
				return cmp.Or(err, printIf(r, cmd, p))
			}
			return printPolicy(cmd.OutOrStdout(), v, p)
		},
	}
}

func newPolicyExplain(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "explain MODULE[@VERSION]",
		Short: "Explain a service's count: what every strategy asks for now, and the last decision",
		Long: `Prints what every strategy asks for at this moment, which one wins and what caps that,
and the same for the last change of the count, with the numbers it was made from.`,
		Example: "  dynsvc policy explain FilterContigs",
		Args:    exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, p, err := r.policy(cmd, args[0])
			if err != nil || r.json {
				return cmp.Or(err, printIf(r, cmd, p))
			}
			return explainPolicy(cmd.OutOrStdout(), v, p)
		},
	}
}

func newPolicyHistory(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "history MODULE",
		Short:   "List what admins said of a module's counts, newest first",
		Example: "  dynsvc policy history FilterContigs",
		Args:    exactly(1, "a module"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := []service.Policy{}
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/modules/"+url.PathEscape(args[0])+"/policies", nil, &list); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			t := newTable(cmd.OutOrStdout(), "SAID", "BY", "OF", "RULES", "UNTIL", "NOTE")
			t.none = "Nobody has changed what its manifest says. Try: dynsvc policy set"
			for _, p := range list {
				t.row(p.At.Local().Format(time.DateTime), p.Who, cmp.Or(string(p.Service), "all versions"), p.Rules.String(), until(p), p.Note)
			}
			return t.flush()
		},
	}
}

// policy asks for what the count of MODULE[@VERSION] follows.
func (r *remote) policy(cmd *cobra.Command, target string) (service.Version, server.ServicePolicy, error) {
	var p server.ServicePolicy
	v, err := r.version(cmd.Context(), target)
	if err == nil {
		err = r.do(cmd.Context(), http.MethodGet, "/api/v1/services/"+string(v.ID)+"/policy", nil, &p)
	}
	return v, p, err
}

// printIf prints an answer as JSON where that is wanted.
func printIf(r *remote, cmd *cobra.Command, answer any) error {
	if !r.json {
		return nil
	}
	return printJSON(cmd.OutOrStdout(), answer)
}

func until(p service.Policy) string {
	if p.Until.IsZero() {
		return "it is replaced"
	}
	return p.Until.Local().Format(time.DateTime)
}

// priced writes a price of idle minutes.
func priced(p *float64) string {
	if p == nil {
		return "the agent's"
	}
	return strconv.FormatFloat(*p, 'g', -1, 64)
}

func printPolicy(w io.Writer, v service.Version, p server.ServicePolicy) error {
	fmt.Fprintf(w, "%s %s (%s)\n\n", v.Module, v.Version, v.ID)
	s, m := p.Scale, p.Manifest
	t := newTable(w, "RULE", "VALUE", "MANIFEST")
	for _, rule := range []struct {
		name     string
		is, said any
	}{
		{"min", s.Min, m.Min}, {"max", s.Max, m.Max}, {"concurrency", s.Concurrency, m.Concurrency},
		{"idle_after", s.IdleAfter.Duration, m.IdleAfter.Duration}, {"idle_price", priced(s.IdlePrice), priced(m.IdlePrice)},
		{"target", s.Target, m.Target},
	} {
		said := ""
		if rule.is != rule.said {
			said = fmt.Sprint(rule.said)
		}
		t.row(rule.name, fmt.Sprint(rule.is), said)
	}
	for _, x := range s.Windows {
		t.row("window", fmt.Sprintf("%q: min %d for %s from %q %s", x.Name, x.Min, x.Duration.Duration, x.Cron, cmp.Or(x.TimeZone, "UTC")), "")
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, x := range p.Policies {
		fmt.Fprintf(w, "\n%s of %s: %s, until %s", x.Who, cmp.Or(string(x.Service), "all versions"), x.Rules, until(x))
		if x.Note != "" {
			fmt.Fprintf(w, " (%s)", x.Note)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func explainPolicy(w io.Writer, v service.Version, p server.ServicePolicy) error {
	fmt.Fprintf(w, "%s %s (%s)\n", v.Module, v.Version, v.ID)
	now := p.Now
	if now.From == now.To {
		fmt.Fprintf(w, "\nNow: stays at %d. %s.\n", now.To, sentence(now.Reason))
	} else {
		fmt.Fprintf(w, "\nNow: %d -> %d. %s.\n", now.From, now.To, sentence(now.Reason))
	}
	if err := printReasons(w, now); err != nil {
		return err
	}
	if p.Last == nil {
		_, err := fmt.Fprintln(w, "\nThe count was never changed.")
		return err
	}
	last := *p.Last
	fmt.Fprintf(w, "\nLast decision, %s: %d -> %d (%s). %s.\n", last.At.Local().Format(time.DateTime), last.From, last.To,
		cmp.Or(last.Outcome, "not yet applied"), sentence(last.Reason))
	return printReasons(w, last)
}

// sentence is a reason as a sentence begins.
func sentence(reason string) string {
	if reason == "" {
		return "No reason was stored"
	}
	return strings.ToUpper(reason[:1]) + reason[1:]
}

// printReasons lists what each strategy asked for, what capped the winner, and
// the numbers.
func printReasons(w io.Writer, d service.Decision) error {
	t := newColumns(w)
	for _, p := range d.Proposals {
		won := " "
		if p.Strategy == d.Winner {
			won = "won"
		}
		t.row("  "+p.Strategy, fmt.Sprintf("asks for %d", p.Count), won, p.Reason)
	}
	for _, c := range d.Caps {
		t.row("  "+c.Rule, fmt.Sprintf("%d -> %d", c.From, c.To), "cap", c.Reason)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(d.Inputs) == 0 {
		return nil
	}
	names := make([]string, 0, len(d.Inputs))
	for name := range d.Inputs {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %.4g", name, d.Inputs[name])
	}
	_, err := fmt.Fprintf(w, "  from: %s\n", strings.Join(names, ", "))
	return err
}
