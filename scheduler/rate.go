package scheduler

import (
	"fmt"

	"github.com/dynsvc/dynsvc/service"
)

// byRate keeps the calls that an instance ends in a second near the version's
// target, as Knative's autoscaler does with the metric "rps":
//
//	count = ceil(calls a second / (requests_per_second * utilisation))
//
// over the stable window, or over the panic window when that asks for PanicFactor
// times what is ready.
func byRate(a *ask) (proposal, bool) {
	want := a.Scale.Target.Rate
	if want <= 0 || a.Count == 0 || a.Rate == 0 && a.RatePanic == 0 || a.forgotten() {
		return proposal{}, false
	}
	target := float64(want) * a.r.Utilisation
	n, rate, window := ceil(a.Rate/target), a.Rate, a.r.Stable
	short := ceil(a.RatePanic / target)
	if short > n && float64(short) >= a.r.PanicFactor*float64(max(1, a.Ready)) {
		n, rate, window = short, a.RatePanic, a.r.Panic
	}
	p := proposal{count: n, kind: service.KindLoad}
	if a.tell {
		p.reason = fmt.Sprintf("%s calls a second over %s, %s of %d an instance: %s", number(rate), seconds(window), number(target), want, instances(n))
	}
	return p, true
}
