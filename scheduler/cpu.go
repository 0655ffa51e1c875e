package scheduler

import (
	"fmt"
	"math"

	"github.com/dynsvc/dynsvc/service"
)

// cpuTolerance is how far the count may be from what processor time asks for
// before it is changed, as a share of the count: that of Kubernetes' horizontal
// autoscaler.
const cpuTolerance = 0.1

// byCPU keeps the processor time of an instance near the version's target, a
// share of what it reserves:
//
//	count = ceil(MHz used by all instances / (cpu * cpu_percent / 100))
//
// It is the rule of Kubernetes' horizontal autoscaler, but with the sum instead of
// the mean times the count: the mean of a window falls only slowly after a
// growth, and would ask for more again. While the use is not known, the count
// stays.
func byCPU(a *ask) (proposal, bool) {
	percent := a.Scale.Target.CPUPercent
	if percent <= 0 || a.Count == 0 || a.Instance.CPU <= 0 || a.forgotten() {
		return proposal{}, false
	}
	p := proposal{count: a.Count, kind: service.KindLoad}
	if !a.CPUKnown {
		if a.tell {
			p.reason = fmt.Sprintf("how much processor time it uses is not known: stays at %s", instances(a.Count))
		}
		return p, true
	}
	each := float64(a.Instance.CPU*percent) / 100
	if wanted := a.CPU / each; math.Abs(wanted-float64(a.Count)) > cpuTolerance*float64(a.Count) {
		p.count = ceil(wanted)
	}
	if a.tell {
		p.reason = fmt.Sprintf("%s MHz used over %s, %s MHz (%d %% of %d) an instance: %s",
			number(a.CPU), seconds(a.r.Stable), number(each), percent, a.Instance.CPU, instances(p.count))
	}
	return p, true
}
