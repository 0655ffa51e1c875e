package scheduler

import (
	"cmp"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// latencyTolerance is how far above its target a latency may be before it asks
// for more.
const latencyTolerance = 0.1

// byLatency asks for more instances while calls take longer than the version's
// target and share instances; alone in an instance they would not be faster:
//
//	count = ceil(ready * min(2, latency / target))
//
// It is the proportional rule of Kubernetes' horizontal autoscaler. The latency is a
// percentile of the stable window, so it looks again only once the count has been
// the same for that long: sooner, it would see the calls from before. While the
// target is met by less than twice, and calls still share instances, the count
// stays: with fewer it would be missed again.
func byLatency(a *ask) (proposal, bool) {
	target := a.Scale.Target.Latency.Duration
	shared := a.Stable >= float64(max(1, a.Ready))
	if target <= 0 || a.Count == 0 || a.Ready == 0 || a.Latency == 0 || !shared || a.forgotten() {
		return proposal{}, false
	}
	ratio := float64(a.Latency) / float64(target)
	p := proposal{count: a.Count, kind: service.KindLoad}
	how := "stays at"
	switch {
	case ratio <= 0.5:
		return proposal{}, false
	case ratio <= 1+latencyTolerance:
		how = "met, and not by twice: stays at"
	case a.now.Sub(a.Changed) < a.r.Stable:
		how = "missed, but the count was changed less than " + a.r.Stable.String() + " ago: stays at"
	default:
		p.count = max(a.Count, ceil(float64(a.Ready)*min(2, ratio)))
		how = "missed:"
	}
	if a.tell {
		p.reason = fmt.Sprintf("%d %% of the calls of %s took up to %s, target %s, %s %s", percentile(a.Scale.Target), seconds(a.r.Stable),
			a.Latency.Round(time.Millisecond), target, how, instances(p.count))
	}
	return p, true
}

func percentile(t service.Target) int { return cmp.Or(t.Percentile, service.DefaultPercentile) }
