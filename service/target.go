package service

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Target is what an instance may be loaded with besides its concurrency. Each
// that is set is followed, and the one that asks for the most instances wins.
// Zero is no target.
type Target struct {
	Rate       int      `json:"requests_per_second,omitempty"` // calls that an instance ends in a second
	QueueDelay Duration `json:"queue_delay,omitzero"`          // how long a call may wait while all instances are busy
	CPUPercent int      `json:"cpu_percent,omitempty"`         // of resources.cpu, used on average
	Latency    Duration `json:"latency,omitzero"`              // that Percentile of the calls stays below
	Percentile int      `json:"percentile,omitempty"`          // of Latency; 0: DefaultPercentile
}

// DefaultPercentile is that of a latency target that names none.
const DefaultPercentile = 95

// Bounds of targets.
const (
	maxRate       = 1_000_000
	minQueueDelay = 10 * time.Millisecond
	maxQueueDelay = 10 * time.Minute
	minLatency    = time.Millisecond
)

func (t *Target) validate(f *faults) {
	const at = "scale.target"
	f.check(t.Rate >= 0 && t.Rate <= maxRate, at+".requests_per_second", "must be between 1 and %d calls a second, not %d", maxRate, t.Rate)
	f.check(t.CPUPercent >= 0 && t.CPUPercent <= 100, at+".cpu_percent", "must be between 1 and 100 per cent of resources.cpu, not %d", t.CPUPercent)
	if t.QueueDelay.Duration != 0 {
		within(f, at+".queue_delay", t.QueueDelay, minQueueDelay, maxQueueDelay, "")
	}
	if t.Latency.Duration != 0 {
		within(f, at+".latency", t.Latency, minLatency, maxTimeout, "")
	}
	f.check(t.Percentile == 0 || t.Percentile >= 50 && t.Percentile <= 99, at+".percentile", "must be between 50 and 99, not %d", t.Percentile)
	f.check(t.Percentile == 0 || t.Latency.Duration != 0, at+".percentile", "says of how many calls latency is the target: set latency too")
}

// String lists the targets that are set: "cpu_percent 70, latency 800ms (95 %)".
func (t Target) String() string {
	var parts []string
	if t.Rate > 0 {
		parts = append(parts, fmt.Sprintf("requests_per_second %d", t.Rate))
	}
	if t.QueueDelay.Duration > 0 {
		parts = append(parts, "queue_delay "+t.QueueDelay.String())
	}
	if t.CPUPercent > 0 {
		parts = append(parts, fmt.Sprintf("cpu_percent %d", t.CPUPercent))
	}
	if t.Latency.Duration > 0 {
		parts = append(parts, fmt.Sprintf("latency %s (%d %%)", t.Latency.Duration, cmp.Or(t.Percentile, DefaultPercentile)))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
