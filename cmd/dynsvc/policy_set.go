package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// policyFlags are the rules that "policy set" may replace.
type policyFlags struct {
	min, max, concurrency int
	idleAfter             time.Duration
	idlePrice             float64
	targets               []string
	clear                 bool
	said                  server.NewPolicy
}

func newPolicySet(r *remote) *cobra.Command {
	f := &policyFlags{}
	cmd := &cobra.Command{
		Use:   "set MODULE[@VERSION] RULE...",
		Short: "Say something else of counts than the manifest (admins)",
		Long: `Replaces rules of a module's manifests, for all its versions, or for one if a version is
named. What is set takes the place of all that was set before for the same; rules that
are not named are as the manifest says. -clear gives everything back to the manifest.
A max above the manifest's is refused: register a version with a larger one.`,
		Example: `  dynsvc policy set FilterContigs -min 2 -for 8h -note "a demo"
  dynsvc policy set FilterContigs@1.2.0 -idle-after 1h -target cpu_percent=70 -target latency=800ms
  dynsvc policy set FilterContigs -idle-price 0.005 -note "its callers must not wait"
  dynsvc policy set FilterContigs -clear`,
		Args: exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.read(cmd); err != nil {
				return err
			}
			path := "/api/v1/modules/" + url.PathEscape(args[0]) + "/policy"
			if strings.Contains(args[0], "@") {
				v, err := r.version(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				path = "/api/v1/services/" + string(v.ID) + "/policy"
			}
			var p service.Policy
			if err := r.do(cmd.Context(), http.MethodPut, path, f.said, &p); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), p)
			}
			of := "all versions of " + p.Module
			if p.Service != "" {
				of = string(p.Service)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, until %s\n", of, p.Rules, until(p))
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.min, "min", 0, "least number of instances")
	flags.IntVar(&f.max, "max", 0, "largest number of instances")
	flags.IntVar(&f.concurrency, "concurrency", 0, "calls in flight that an instance is meant to have")
	flags.DurationVar(&f.idleAfter, "idle-after", 0, "without a call, until the count goes to min")
	flags.Float64Var(&f.idlePrice, "idle-price", 0, "of an idle minute, where a cold start costs 1; 0: idle_after decides alone")
	flags.StringArrayVar(&f.targets, "target", nil, "requests_per_second=N, queue_delay=D, cpu_percent=N, latency=D, percentile=N, or none; may be given again")
	flags.BoolVar(&f.clear, "clear", false, "give everything back to the manifest")
	flags.StringVar(&f.said.For, "for", "", "how long it is in force, e.g. 8h (default: until it is replaced)")
	flags.StringVar(&f.said.Note, "note", "", "why")
	return cmd
}

// read makes the rules of the flags that were given.
func (f *policyFlags) read(cmd *cobra.Command) error {
	rules := &f.said.Rules
	for name, set := range map[string]func(){
		"min": func() { rules.Min = &f.min }, "max": func() { rules.Max = &f.max },
		"concurrency": func() { rules.Concurrency = &f.concurrency },
		"idle-price":  func() { rules.IdlePrice = &f.idlePrice },
		"idle-after":  func() { rules.IdleAfter = &service.Duration{Duration: f.idleAfter} },
	} {
		if cmd.Flags().Changed(name) {
			set()
		}
	}
	if len(f.targets) > 0 {
		rules.Target = &service.Target{}
	}
	for _, t := range f.targets {
		if err := setTarget(rules.Target, t); err != nil {
			return err
		}
	}
	switch {
	case f.clear && !rules.Empty():
		return usagef("-clear gives everything back to the manifest: leave out the other rules")
	case !f.clear && rules.Empty():
		return usagef("which rule? See \"dynsvc policy set --help\"; -clear gives everything back to the manifest")
	}
	return nil
}

func setTarget(t *service.Target, text string) error {
	name, value, _ := strings.Cut(text, "=")
	numbers := map[string]*int{"requests_per_second": &t.Rate, "cpu_percent": &t.CPUPercent, "percentile": &t.Percentile}
	durations := map[string]*service.Duration{"queue_delay": &t.QueueDelay, "latency": &t.Latency}
	var err error
	switch {
	case text == "none":
		return nil
	case numbers[name] != nil:
		*numbers[name], err = strconv.Atoi(value)
	case durations[name] != nil:
		durations[name].Duration, err = time.ParseDuration(value)
	default:
		return usagef("there is no target %q; there are requests_per_second, queue_delay, cpu_percent, latency, percentile and none", name)
	}
	if err != nil {
		return usagef("the target %s is not %q: give e.g. cpu_percent=70 or latency=800ms", name, value)
	}
	return nil
}
