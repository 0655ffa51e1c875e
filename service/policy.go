package service

import (
	"fmt"
	"strings"
	"time"
)

// Policy is what an admin says of counts in place of the manifests, of all
// versions of a module or of one service. It is stored for good; the newest of
// those that are not over is in force, that of a service after its module's.
type Policy struct {
	ID      int64     `json:"id"`
	Module  string    `json:"module"`
	Service ID        `json:"service,omitempty"` // empty: all versions of the module
	At      time.Time `json:"at"`
	Until   time.Time `json:"until,omitzero"` // zero: until it is replaced
	Who     string    `json:"who,omitempty"`
	Note    string    `json:"note,omitempty"` // why
	Rules   Override  `json:"rules"`          // empty: what the manifest says, again
}

// Holds reports whether the policy is not over.
func (p *Policy) Holds(now time.Time) bool { return p.Until.IsZero() || now.Before(p.Until) }

// Override replaces parts of a Scale; what is nil stays as it is.
type Override struct {
	Min         *int      `json:"min,omitempty"`
	Max         *int      `json:"max,omitempty" doc:"at most what the manifest says, with which the job was submitted"`
	Concurrency *int      `json:"concurrency,omitempty"`
	IdleAfter   *Duration `json:"idle_after,omitempty"`
	IdlePrice   *float64  `json:"idle_price,omitempty" doc:"of an idle minute, where a cold start costs 1; 0: habits are not acted upon"`
	Target      *Target   `json:"target,omitempty" doc:"in place of all targets of the manifest"`
	Windows     *[]Window `json:"windows,omitempty" doc:"in place of all windows of the manifest"`
}

// Empty reports whether nothing is replaced.
func (o Override) Empty() bool { return o == Override{} }

// Apply returns the scale with the override in it.
func (o Override) Apply(s Scale) Scale {
	replace(&s.Min, o.Min)
	replace(&s.Max, o.Max)
	replace(&s.Concurrency, o.Concurrency)
	replace(&s.IdleAfter, o.IdleAfter)
	if o.IdlePrice != nil {
		s.IdlePrice = o.IdlePrice
	}
	replace(&s.Target, o.Target)
	replace(&s.Windows, o.Windows)
	return s
}

func replace[T any](to, by *T) {
	if by != nil {
		*to = *by
	}
}

// Validate reports everything that would be wrong with a version's scale with
// the override in it. A larger max than the manifest's is wrong: the cluster was
// told that one with the job, and refuses more.
func (o Override) Validate(v *Version) error {
	var f faults
	scale := o.Apply(v.Scale)
	scale.validate(&f)
	f.check(o.Max == nil || *o.Max <= v.Scale.Max, "scale.max",
		"must be no more than the manifest's %d, not %d: register a version with a larger max", v.Scale.Max, scale.Max)
	if err := f.join(); err != nil {
		return Errorf(ErrInvalid, "%s %s with this policy:\n%w", v.Module, v.Version, err)
	}
	return nil
}

// String lists what is replaced: "min 2, idle_after 1h0m0s".
func (o Override) String() string {
	var parts []string
	number := func(name string, n *int) {
		if n != nil {
			parts = append(parts, fmt.Sprintf("%s %d", name, *n))
		}
	}
	number("min", o.Min)
	number("max", o.Max)
	number("concurrency", o.Concurrency)
	if o.IdleAfter != nil {
		parts = append(parts, "idle_after "+o.IdleAfter.String())
	}
	if o.IdlePrice != nil {
		parts = append(parts, fmt.Sprintf("idle_price %g", *o.IdlePrice))
	}
	if o.Target != nil {
		parts = append(parts, "target "+o.Target.String())
	}
	if o.Windows != nil {
		parts = append(parts, fmt.Sprintf("%d windows", len(*o.Windows)))
	}
	if len(parts) == 0 {
		return "as the manifest says"
	}
	return strings.Join(parts, ", ")
}
