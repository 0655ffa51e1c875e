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
func byConcurrency(a *ask) (proposal, bool) {
	live := a.live()
	if a.Count == 0 || live == 0 && a.Stable == 0 && a.Panic == 0 || a.forgotten() {
		return proposal{}, false
	}
	c := concurrency(a.View)
	target := float64(c) * a.r.Utilisation
	stable, now := ceil(a.Stable/target), ceil(float64(live)/float64(c))
	n, window, average := stable, a.r.Stable, a.Stable
	if a.panics() {
		if short := ceil(a.Panic / target); short > n {
			n, window, average = short, a.r.Panic, a.Panic
		}
	}
	p := proposal{count: max(n, now), kind: service.KindLoad}
	switch {
	case !a.tell:
	case now > n:
		p.reason = fmt.Sprintf("%d calls in flight and %d waiting now, %d an instance: %s", a.InFlight, a.Queued, c, instances(now))
	default:
		p.reason = fmt.Sprintf("%s calls in flight over %s, %s of %d an instance: %s", number(average), seconds(window), number(target), c, instances(n))
	}
	return p, true
}

// forgotten reports whether nobody has called for so long that what averages
// remember is of no account: an idle_after below the stable window is shorter
// than their memory, and is what the version's author has asked for.
func (a *ask) forgotten() bool {
	idle, after := a.unused()
	return a.live() == 0 && idle >= after
}

// panics reports whether load has jumped far above what is ready.
func (a *ask) panics() bool {
	target := float64(concurrency(a.View)) * a.r.Utilisation
	return float64(ceil(a.Panic/target)) >= a.r.PanicFactor*float64(max(1, a.Ready))
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

// seconds writes a window of the rules: "60 s".
func seconds(d time.Duration) string { return number(d.Seconds()) + " s" }
