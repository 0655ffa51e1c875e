package simulation

import (
	"fmt"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// Policy is what a trace is tried with.
type Policy struct {
	Name  string
	Scale service.Scale   // of each service
	Rules scheduler.Rules // Price 0: nothing is learnt
	peer  func(services int) peer
}

// peer is another's algorithm, in place of scheduler.Decide.
type peer interface {
	// count is the number of instances for a minute, of a service that has been
	// called before; age is how many minutes ago.
	count(service int, v *scheduler.View, age int) int
	// called tells of a minute with calls after one age minutes before; 0: the first.
	called(service, age int)
}

// Alone is what services are tried with that have no manifest: at most one
// instance, for which the price alone decides.
func Alone() (service.Scale, scheduler.Rules) {
	rules := scheduler.DefaultRules()
	scale := service.Scale{Max: 1, Concurrency: 1, MaxConcurrency: 1, IdleAfter: service.Duration{Duration: rules.IdleAfter}}
	rules.LeastKnown = 0
	rules.Stretch = float64(24*time.Hour) / float64(rules.IdleAfter)
	return scale, rules
}

// Dynsvc is the policy of this program at a price.
func Dynsvc(scale service.Scale, rules scheduler.Rules) Policy {
	return Policy{Name: "dynsvc", Scale: scale, Rules: rules}
}

// Against reads the name of a peer: fixed:10m, knative, hybrid or hybrid:1h.
func Against(name string, scale service.Scale, rules scheduler.Rules) (Policy, error) {
	p := Policy{Name: name, Scale: scale, Rules: rules}
	p.Rules.Price = 0
	kind, argument, given := strings.Cut(name, ":")
	var d time.Duration
	if given {
		var err error
		if d, err = time.ParseDuration(argument); err != nil || d < time.Minute || d%time.Minute != 0 {
			return p, fmt.Errorf("%q: %q is not a time of whole minutes such as 10m or 4h", name, argument)
		}
	}
	switch {
	case kind == "fixed" && given:
		p.Scale.IdleAfter.Duration = d
	case kind == "knative" && !given:
		p.peer = func(int) peer { return knative{} }
	case kind == "hybrid":
		if d == 0 {
			d = histogramRange
		}
		p.peer = func(services int) peer { return newHybrid(services, int(d/time.Minute)) }
	default:
		return p, fmt.Errorf("%q is no policy to compare with: fixed:TIME, knative, hybrid or hybrid:RANGE", name)
	}
	return p, nil
}
