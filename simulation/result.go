package simulation

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Usage is what a policy did for one service, or for all.
type Usage struct {
	Calls           int64   `json:"calls"`
	ColdStarts      int64   `json:"cold_starts"`
	InstanceMinutes int64   `json:"instance_minutes"` // UpMinutes, and one for each instance that was started
	UpMinutes       int64   `json:"up_minutes"`       // that instances were there in
	MemoryMinutes   float64 `json:"memory_minutes"`   // MiB times minutes
	Starts          int64   `json:"starts"`           // from nothing: cold ones and those ahead of calls
	Prewarms        int64   `json:"prewarms"`         // starts ahead of a call
	Unused          int64   `json:"prewarms_unused"`
	Changes         int64   `json:"changes"` // of the count
	Waited          int64   `json:"waited"`  // calls that had to wait for an instance
}

func (u *Usage) add(o *Usage) {
	u.Calls += o.Calls
	u.ColdStarts += o.ColdStarts
	u.InstanceMinutes += o.InstanceMinutes
	u.UpMinutes += o.UpMinutes
	u.MemoryMinutes += o.MemoryMinutes
	u.Starts += o.Starts
	u.Prewarms += o.Prewarms
	u.Unused += o.Unused
	u.Changes += o.Changes
	u.Waited += o.Waited
}

// Result is how a policy did on a trace.
type Result struct {
	Name  string  `json:"name"`
	Price float64 `json:"price,omitempty"` // of an idle minute, where a cold start costs 1
	Usage
	Wait     Waits   `json:"wait"`
	Services []Share `json:"services,omitempty"`

	Series []Moment `json:"-"` // minute by minute, where it was asked for
	odds   odds
}

// Share is how a policy did for one service.
type Share struct {
	Name string `json:"name"`
	Usage
}

// Moment is one minute of all services.
type Moment struct {
	Ready      int64 // instances as the minute began, before its calls
	Instances  int64 // and after them
	Calls      int64
	ColdStarts int64
}

// Waits are percentiles of how long calls waited for an instance, in
// milliseconds, over all calls.
type Waits struct {
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
	Mean float64 `json:"mean_ms"`
}

// waits counts calls by how long they waited.
type waits struct {
	bins   [service.Bins]uint64
	waited int64
	sum    float64 // seconds
	max    time.Duration
}

func (w *waits) add(calls int64, d time.Duration) {
	if calls <= 0 || d <= 0 {
		return
	}
	w.bins[service.BinOf(d)] += uint64(calls)
	w.waited += calls
	w.sum += float64(calls) * d.Seconds()
	w.max = max(w.max, d)
}

// summary is over all calls, those that did not wait included.
func (w *waits) summary(calls int64) Waits {
	if calls == 0 {
		return Waits{}
	}
	ms := func(d time.Duration) float64 {
		return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
	}
	quantile := func(part float64) float64 {
		rank := part * float64(calls)
		seen := float64(calls - w.waited)
		if seen >= rank {
			return 0
		}
		for i, n := range w.bins {
			if seen += float64(n); n > 0 && seen >= rank {
				low, high := service.BinRange(i)
				return ms(min((low+high)/2, w.max))
			}
		}
		return ms(w.max)
	}
	mean := time.Duration(w.sum / float64(calls) * float64(time.Second))
	return Waits{P50: quantile(.5), P95: quantile(.95), P99: quantile(.99), P999: quantile(.999), Max: ms(w.max), Mean: ms(mean)}
}
