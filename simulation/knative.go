package simulation

import (
	"math"

	"github.com/dynsvc/dynsvc/scheduler"
)

// knative is Knative Serving's autoscaler with its defaults, as far as a trace of
// minutes shows it: the calls in flight, averaged over the stable window of 60 s,
// divided by 70 % of a target of 100, rounded up; zero when the window has none.
// So an instance is there through the minute after its last call. Its grace of
// 30 s before zero is for its network, and not counted against it. (config map
// config-autoscaler in github.com/knative/serving.)
type knative struct{}

func (knative) count(_ int, v *scheduler.View, age int) int {
	if age > 1 {
		return 0
	}
	return min(max(1, int(math.Ceil(v.Stable/(100*0.7)))), v.Scale.Max)
}

func (knative) called(int, int) {}
