package main

import (
	"cmp"
	"fmt"

	"github.com/dynsvc/dynsvc/scheduler"
)

// policyConfig is what the operator says of counts.
type policyConfig struct {
	Tick    string `hcl:"tick,optional"`     // default 2s
	HoldFor string `hcl:"hold_for,optional"` // how long a count set by a person stays; default 10m
	// An instance that Consul calls critical, or that does not answer any more, is
	// replaced after ReplaceAfter, default 1m; of a service at most so many within an hour,
	// default 3, 0 is none.
	ReplaceAfter string `hcl:"replace_after,optional"`
	ReplaceMost  *int   `hcl:"replace_most,optional"`

	IdlePrice *float64      `hcl:"idle_price,optional"` // of a minute of an idle instance, where a cold start costs 1; 0: habits are not acted upon; default 0.02
	StartCost *float64      `hcl:"start_cost,optional"` // of a start, in idle minutes; default 1
	Ceiling   *quotaConfig  `hcl:"ceiling,block"`       // of all services together
	Quotas    []ownerConfig `hcl:"quota,block"`
}

// maxStartCost is the most idle minutes that a start may be said to cost: habits
// look only some minutes ahead for what it is worth.
const maxStartCost = 10

// quotaConfig is an amount of instances and what they reserve; 0 is no limit.
type quotaConfig struct {
	Instances int `hcl:"instances,optional"`
	CPU       int `hcl:"cpu,optional"`    // MHz
	Memory    int `hcl:"memory,optional"` // MiB
	GPUs      int `hcl:"gpus,optional"`
}

// ownerConfig is the quota of an owner, the first that a manifest names; "*" is
// for each who has none of their own.
type ownerConfig struct {
	Owner     string `hcl:"owner,label"`
	Instances int    `hcl:"instances,optional"`
	CPU       int    `hcl:"cpu,optional"`
	Memory    int    `hcl:"memory,optional"`
	GPUs      int    `hcl:"gpus,optional"`
}

// limits are the ceiling and the quotas.
func (c *policyConfig) limits() scheduler.Limits {
	var l scheduler.Limits
	if c.Ceiling != nil {
		l.Cluster = scheduler.Quota(*c.Ceiling)
	}
	for _, q := range c.Quotas {
		if l.Owners == nil {
			l.Owners = map[string]scheduler.Quota{}
		}
		l.Owners[q.Owner] = scheduler.Quota{Instances: q.Instances, CPU: q.CPU, Memory: q.Memory, GPUs: q.GPUs}
	}
	return l
}

// rules are the standard ones with what the operator set.
func (c *policyConfig) rules() scheduler.Rules {
	r := scheduler.DefaultRules()
	if c.IdlePrice != nil {
		r.Price = *c.IdlePrice
	}
	if c.StartCost != nil {
		r.StartCost = *c.StartCost
	}
	r.ReplaceAfter = cmp.Or(duration(c.ReplaceAfter), r.ReplaceAfter)
	if c.ReplaceMost != nil {
		r.ReplaceMost = *c.ReplaceMost
	}
	return r
}

// validate reports prices and amounts that are none.
func (c *policyConfig) validate(fault func(format string, args ...any)) {
	if p := c.IdlePrice; p != nil && (*p < 0 || *p > 1) {
		fault("policy.idle_price = %g is not between 0, which acts on no habits, and 1, the cost of a cold start", *p)
	}
	if s := c.StartCost; s != nil && (*s < 0 || *s > maxStartCost) {
		fault("policy.start_cost = %g is not between 0 and %d idle minutes", *s, maxStartCost)
	}
	amounts := func(where string, q scheduler.Quota) {
		if min(q.Instances, q.CPU, q.Memory, q.GPUs) < 0 {
			fault("%s has an amount below 0; 0 is no limit", where)
		}
	}
	if c.ReplaceMost != nil && *c.ReplaceMost < 0 {
		fault("policy.replace_most = %d is below 0; 0 replaces none", *c.ReplaceMost)
	}
	if c.Ceiling != nil {
		amounts("policy.ceiling", scheduler.Quota(*c.Ceiling))
	}
	seen := map[string]bool{}
	for _, q := range c.Quotas {
		amounts(fmt.Sprintf("policy.quota %q", q.Owner), scheduler.Quota{Instances: q.Instances, CPU: q.CPU, Memory: q.Memory, GPUs: q.GPUs})
		if seen[q.Owner] {
			fault("policy.quota %q is there twice: join both blocks", q.Owner)
		}
		seen[q.Owner] = true
	}
}
