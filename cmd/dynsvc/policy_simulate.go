package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/simulation"
)

// policySimulate is "dynsvc policy simulate".
type policySimulate struct {
	policy   string
	against  string
	plot     string
	budget   int64
	price    float64
	cost     string
	start    time.Duration
	services bool
	curve    bool
}

func newPolicySimulate(r *remote) *cobra.Command {
	s := &policySimulate{}
	cmd := &cobra.Command{
		Use:   "simulate TRACE",
		Short: "Try the policy on a trace of calls, beside other policies",
		Long: `Replays a trace minute by minute through the function that decides in an agent,
learning from nothing as it goes, and prints what it costs and what callers get,
beside other policies on the same trace. No agent is needed.

TRACE is one of
  a folder or file of Microsoft's AzureFunctionsDataset2019 or a sample of it:
    calls a minute (inv.csv, inv.csv.gz, invocations_per_function_md….csv); run
    times and memory are taken from the files beside it
  a file of dynsvc's own samples: JSON lines with service, start, width_s, calls,
    busy_s and memory (.jsonl, .jsonl.gz)
  gen:PATTERN[,services=N][,days=N][,seed=N], with the pattern steady, cron,
    bursty, diurnal, rare, mixed (a fifth of each) or fleet (what the functions of
    the dataset are like, all together)

Minutes: a call finds an instance if there is one when its minute begins; else the
minute is a cold start. UP is the minutes that instances are there in, with or
without calls; a fixed keep-alive of 10 minutes keeps the instance of a call in
minute i through minute i+9. INSTANCE-MINUTES, which budgets are of, are these and
one more for each start, cold or ahead of a call, by whatever policy.

The policy's one setting is the price of an idle minute, where a cold start costs
1. -budget M finds the price that stays within M instance-minutes; without it and
without -price, dynsvc may use what the first policy of -against uses.

-policy FILE is HCL with a scale block as in a manifest and a rules block:
  scale { max = 10  concurrency = 10  idle_after = "10m" }
  rules { price = 0.02  usual_memory = 512  start_cost = 1  least_idle = "1m"  stretch = 3 }
Without it a service has one instance at most, for which the price alone decides.
With a max above 1 the calls' run times make counts follow load.

To compare with: fixed:TIME; knative, its autoscaler with its defaults; hybrid, the
hybrid histogram policy as published, or hybrid:RANGE with another range than 4 h.`,
		Example: `  dynsvc policy simulate ../azure-2019-200 -against fixed:10m
  dynsvc policy simulate gen:cron,services=50,days=2 -budget 60000 -json
  dynsvc policy simulate samples.jsonl -policy policy.hcl -plot out.svg`,
		Args: exactly(1, "a trace"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.run(cmd.Context(), args[0], r.json, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.policy, "policy", "", "file with the scale and the rules to try")
	f.StringVar(&s.against, "against", "fixed:10m,knative,hybrid", "policies to compare with, separated by commas; empty: none")
	f.Int64Var(&s.budget, "budget", 0, "instance-minutes that dynsvc may use")
	f.Float64Var(&s.price, "price", 0, "price of an idle minute instead of a budget, above 0 and at most 1")
	f.StringVar(&s.cost, "cost", "instance", `what a minute costs: "instance", the same for all, or "memory", in proportion to it`)
	f.DurationVar(&s.start, "start", 2*time.Second, "how long an instance takes to start")
	f.BoolVar(&s.services, "services", false, "print each service too")
	f.BoolVar(&s.curve, "curve", false, "print what each kind of policy can do, from setting to setting")
	f.StringVar(&s.plot, "plot", "", "draw counts, calls, cold starts and the trade-off into this .svg or .png file")
	return cmd
}

// simulated is the answer with -json.
type simulated struct {
	Trace    traced               `json:"trace"`
	Budget   int64                `json:"budget,omitempty"`
	Policies []*simulation.Result `json:"policies"`
	Curves   []simulation.Curve   `json:"curves,omitempty"`
}

type traced struct {
	Name     string `json:"name"`
	Services int    `json:"services"`
	Minutes  int    `json:"minutes"`
	Calls    int64  `json:"calls"`
}

func (s *policySimulate) run(ctx context.Context, name string, asJSON bool, out io.Writer) error {
	ours, peers, err := s.policies()
	if err != nil {
		return err
	}
	if s.plot != "" && !strings.HasSuffix(s.plot, ".svg") && !strings.HasSuffix(s.plot, ".png") {
		return usagef("-plot %s: a plot is an .svg or a .png file", s.plot)
	}
	trace, err := simulation.Open(name)
	if err != nil {
		return usagef("read the trace: %w", err)
	}
	a := simulated{Trace: traced{trace.Name, len(trace.Services), trace.Minutes, trace.Total()}, Budget: s.budget}
	opts := simulation.Options{Start: s.start, Services: s.services, Series: s.plot != ""}
	results, err := simulation.All(ctx, trace, peers, opts)
	if err != nil {
		return err
	}
	if s.budget == 0 && s.price == 0 && len(results) > 0 {
		a.Budget = results[0].InstanceMinutes
	}
	var own *simulation.Result
	if a.Budget > 0 {
		own, err = simulation.Within(trace, ours, opts, a.Budget)
	} else {
		own, err = simulation.Replay(trace, ours, opts)
	}
	if err != nil {
		return err
	}
	a.Policies = append([]*simulation.Result{own}, results...)
	if s.curve || s.plot != "" {
		if a.Curves, err = simulation.Curves(ctx, trace, ours); err != nil {
			return err
		}
	}
	if s.plot != "" {
		if err := simulation.Plot(s.plot, trace, a.Policies, a.Curves); err != nil {
			return err
		}
	}
	if asJSON {
		return printJSON(out, a)
	}
	return a.print(out, s)
}

// policies reads what is to be tried.
func (s *policySimulate) policies() (ours simulation.Policy, peers []simulation.Policy, err error) {
	switch {
	case s.budget < 0:
		return ours, nil, usagef("-budget %d is not a number of instance-minutes", s.budget)
	case s.price < 0 || s.price > 1:
		return ours, nil, usagef("-price %g is not between 0 and 1: it is what an idle minute costs, where a cold start costs 1", s.price)
	case s.price > 0 && s.budget > 0:
		return ours, nil, usagef("-budget finds the price: leave -price out")
	case s.cost != "instance" && s.cost != "memory":
		return ours, nil, usagef(`-cost %q is neither "instance" nor "memory"`, s.cost)
	case s.start < 0:
		return ours, nil, usagef("-start %s is before now", s.start)
	}
	scale, rules, err := loadPolicy(s.policy)
	if err != nil {
		return ours, nil, err
	}
	if s.price > 0 {
		rules.Price = s.price
	}
	if s.cost == "instance" {
		rules.UsualMemory = 0
	}
	ours = simulation.Dynsvc(scale, rules)
	for _, name := range strings.FieldsFunc(s.against, func(r rune) bool { return r == ',' }) {
		p, err := simulation.Against(strings.TrimSpace(name), scale, rules)
		if err != nil {
			return ours, nil, usagef("-against: %w", err)
		}
		peers = append(peers, p)
	}
	return ours, peers, nil
}

func (a *simulated) print(out io.Writer, s *policySimulate) error {
	fmt.Fprintf(out, "%s: %d services, %d minutes, %d calls\n", a.Trace.Name, a.Trace.Services, a.Trace.Minutes, a.Trace.Calls)
	own := a.Policies[0]
	fmt.Fprintf(out, "dynsvc at a price of %.4f: a cold start is worth %s idle minutes\n\n", own.Price, number(1/own.Price))
	t := newTable(out, "POLICY", "COLD STARTS", "INSTANCE-MINUTES", "UP", "MEMORY GiB-HOURS", "STARTS", "AHEAD", "IN VAIN", "CHANGES", "WAIT P99", "P99.9", "MAX", "MEAN")
	for _, r := range a.Policies {
		row(t, r.Name, &r.Usage, ms(r.Wait.P99), ms(r.Wait.P999), ms(r.Wait.Max), ms(r.Wait.Mean))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, r := range a.Policies[1:] {
		if r.ColdStarts > 0 && r.InstanceMinutes > 0 {
			fmt.Fprintf(out, "\ndynsvc has %.2f of the cold starts of %s at %.2f of its instance-minutes",
				float64(own.ColdStarts)/float64(r.ColdStarts), r.Name, float64(own.InstanceMinutes)/float64(r.InstanceMinutes))
		}
	}
	fmt.Fprintln(out)
	if s.services {
		for _, r := range a.Policies {
			fmt.Fprintln(out)
			t := newTable(out, "SERVICE UNDER "+strings.ToUpper(r.Name), "COLD STARTS", "INSTANCE-MINUTES", "UP", "MEMORY GiB-HOURS", "STARTS", "AHEAD", "IN VAIN", "CHANGES")
			for i := range r.Services {
				row(t, r.Services[i].Name, &r.Services[i].Usage)
			}
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	if s.curve {
		for _, c := range a.Curves {
			fmt.Fprintln(out)
			t := newTable(out, strings.ToUpper(c.Name), "COLD STARTS", "INSTANCE-MINUTES", "UP")
			for _, p := range c.Points {
				t.row(p.Setting, strconv.FormatInt(p.ColdStarts, 10), strconv.FormatInt(p.InstanceMinutes, 10), strconv.FormatInt(p.UpMinutes, 10))
			}
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func row(t *table, name string, u *simulation.Usage, more ...string) {
	n := func(x int64) string { return strconv.FormatInt(x, 10) }
	t.row(append([]string{
		name, n(u.ColdStarts), n(u.InstanceMinutes), n(u.UpMinutes), fmt.Sprintf("%.1f", u.MemoryMinutes/1024/60),
		n(u.Starts), n(u.Prewarms), n(u.Unused), n(u.Changes),
	}, more...)...)
}

func ms(x float64) string { return number(x) + " ms" }

// number writes at most two decimals.
func number(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0"), ".")
}
