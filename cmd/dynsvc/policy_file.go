package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/simulation"
)

// policyFile is what -policy reads. What it leaves out is as without it.
type policyFile struct {
	Scale *struct {
		Min            int    `hcl:"min,optional"`
		Max            int    `hcl:"max,optional"`
		Concurrency    int    `hcl:"concurrency,optional"`
		MaxConcurrency int    `hcl:"max_concurrency,optional"`
		IdleAfter      string `hcl:"idle_after,optional"`
		Windows        []struct {
			Name     string `hcl:"name,label"`
			Cron     string `hcl:"cron"`
			Duration string `hcl:"duration"`
			TimeZone string `hcl:"time_zone,optional"`
			Min      int    `hcl:"min"`
		} `hcl:"window,block"`
	} `hcl:"scale,block"`
	Rules *struct {
		Price       *float64 `hcl:"price,optional"`
		UsualMemory *int     `hcl:"usual_memory,optional"`
		LeastIdle   string   `hcl:"least_idle,optional"`
		StartCost   *float64 `hcl:"start_cost,optional"`
		Stretch     *float64 `hcl:"stretch,optional"`
	} `hcl:"rules,block"`
}

// loadPolicy reads a file of a scale and rules; without a path it returns what a
// service is tried with that has no manifest.
func loadPolicy(path string) (service.Scale, scheduler.Rules, error) {
	scale, rules := simulation.Alone()
	if path == "" {
		return scale, rules, nil
	}
	rules = scheduler.DefaultRules()
	text, err := os.ReadFile(path)
	if err != nil {
		return scale, rules, usagef("read the policy: %w", err)
	}
	var f policyFile
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	if !diags.HasErrors() {
		diags = append(diags, gohcl.DecodeBody(file.Body, nil, &f)...)
	}
	if err := placed(path, diags); err != nil {
		return scale, rules, err
	}
	var faults []error
	span := func(name, text string, to *time.Duration) {
		if text == "" {
			return
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			faults = append(faults, fmt.Errorf("%s = %q is not a duration such as 90s or 10m", name, text))
		}
		*to = d
	}
	if s := f.Scale; s != nil {
		scale.Min = s.Min
		scale.Max = orDefault(s.Max, scale.Max)
		scale.Concurrency = orDefault(s.Concurrency, scale.Concurrency)
		scale.MaxConcurrency = max(orDefault(s.MaxConcurrency, scale.Concurrency), scale.Concurrency)
		span("scale.idle_after", s.IdleAfter, &scale.IdleAfter.Duration)
		for _, w := range s.Windows {
			window := service.Window{Name: w.Name, Cron: w.Cron, TimeZone: w.TimeZone, Min: w.Min}
			span("scale.window.duration", w.Duration, &window.Duration.Duration)
			scale.Windows = append(scale.Windows, window)
		}
		faults = append(faults, scale.Validate())
	}
	if r := f.Rules; r != nil {
		if r.Price != nil {
			rules.Price = *r.Price
			if rules.Price < 0 || rules.Price > 1 {
				faults = append(faults, fmt.Errorf("rules.price = %g is not between 0, which acts on no habits, and 1", rules.Price))
			}
		}
		if r.UsualMemory != nil {
			rules.UsualMemory = *r.UsualMemory
		}
		if r.StartCost != nil {
			rules.StartCost = *r.StartCost
			if rules.StartCost < 0 || rules.StartCost > maxStartCost {
				faults = append(faults, fmt.Errorf("rules.start_cost = %g is not between 0 and %d idle minutes", rules.StartCost, maxStartCost))
			}
		}
		if r.Stretch != nil {
			rules.Stretch = *r.Stretch
			if rules.Stretch < 1 {
				faults = append(faults, fmt.Errorf("rules.stretch = %g is below 1", rules.Stretch))
			}
		}
		span("rules.least_idle", r.LeastIdle, &rules.LeastIdle)
	}
	if err := errors.Join(faults...); err != nil {
		return scale, rules, usagef("%s has faults:\n%w", path, err)
	}
	return scale, rules, nil
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}
