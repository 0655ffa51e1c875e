package scheduler

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// byConcurrency keeps the calls in flight an instance near the version's target,
// as Knative's autoscaler does:
//
//	count = ceil(average / (concurrency * utilisation))
//
// The average is that of the stable window. When that of the panic window asks
// for PanicFactor times what is ready, it counts instead, and [guard] lets
// nothing shrink. Calls that are there now count at once, at full concurrency:
// an average would notice them seconds later. Knative's panic mode lasts one
// stable window longer than the jump; here the peak of the shrink window does
// that, which is longer still.
func byConcurrency(v *View, now time.Time, r *Rules) (proposal, bool) {
	live := v.live()
	if v.Count == 0 && v.Queued > 0 {
		// The gateway wakes; this is for a wake that was lost.
		return proposal{max(1, floor(v, now)), service.KindWake, fmt.Sprintf("%s and no instance is there", wait(v.Queued))}, true
	}
	if v.Count == 0 || live == 0 && v.Stable == 0 && v.Panic == 0 {
		return proposal{}, false
	}
	// An idle_after below the stable window is shorter than the average's memory,
	// and is what the version's author has asked for.
	if idle, after := unused(v, now, r); live == 0 && idle >= after {
		return proposal{}, false
	}
	c := concurrency(v)
	target := float64(c) * r.Utilisation
	per := fmt.Sprintf("%s of %d an instance", number(target), c)

	p := proposal{ceil(v.Stable / target), service.KindLoad, fmt.Sprintf("%s calls in flight over %s, %s", number(v.Stable), seconds(r.Stable), per)}
	if panics(v, r) {
		if n := ceil(v.Panic / target); n > p.count {
			p.count, p.reason = n, fmt.Sprintf("%s calls in flight over %s, %s", number(v.Panic), seconds(r.Panic), per)
		}
	}
	if n := ceil(float64(live) / float64(c)); n > p.count {
		p.count, p.reason = n, fmt.Sprintf("%d calls in flight and %d waiting now, %d an instance", v.InFlight, v.Queued, c)
	}
	// A critical instance is no capacity. When none answers, more of the same
	// would not help.
	if v.Sick > 0 && v.Ready > 0 && p.count > 0 && p.count+v.Sick > v.Count {
		p.count += v.Sick
		p.reason = fmt.Sprintf("%s, and %d critical", p.reason, v.Sick)
	}
	if v.cold(now, r) && p.count > v.Count {
		p.count = v.Count
	}
	p.reason = fmt.Sprintf("%s: %s", p.reason, instances(p.count))
	return p, true
}

// panics reports whether load has jumped far above what is ready.
func panics(v *View, r *Rules) bool {
	target := float64(concurrency(v)) * r.Utilisation
	return float64(ceil(v.Panic/target)) >= r.PanicFactor*float64(max(1, v.Ready))
}

// demand is what a service asks for in calls in flight; its maximum over the
// shrink window is View.Peak.
func demand(v *View, now time.Time, r *Rules) float64 {
	if v.cold(now, r) {
		return 0
	}
	d := max(v.Stable, float64(v.live())*r.Utilisation)
	if panics(v, r) {
		d = max(d, v.Panic)
	}
	return d
}

// concurrency is the number of calls an instance is meant to have in flight.
func concurrency(v *View) int { return max(1, v.Scale.Concurrency) }

// ceil is the least whole number of instances. What arithmetic on binary
// fractions adds above a whole number is no instance.
func ceil(x float64) int { return int(math.Ceil(x - 1e-9)) }

// number writes at most one decimal.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

func wait(n int) string {
	if n == 1 {
		return "1 call waits"
	}
	return fmt.Sprintf("%d calls wait", n)
}

// seconds writes a window of the rules: "60 s".
func seconds(d time.Duration) string { return number(d.Seconds()) + " s" }
