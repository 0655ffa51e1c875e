package service

import "time"

// Vitals are what instances used of their nodes and what Consul said of them in
// one time bucket. Where a sum is over instances, two instances for a minute
// are two minutes.
type Vitals struct {
	Service  ID
	Alloc    string // the one instance; empty: all of the service
	Start    time.Time
	Width    time.Duration
	Time     time.Duration // that instances were there, summed over them
	Passing  time.Duration // of Time, while Consul called them so; what is in neither is unknown
	Critical time.Duration
	Measured time.Duration // of Time, for which the cluster said what they used
	CPU      int64         // MHz times milliseconds of Measured
	CPUMax   int64         // MHz, the most that one instance was seen to use
	Memory   int64         // KiB times milliseconds of Measured
	MemMax   int64         // KiB, the most that one instance was seen to use
}

// Use is what one instance uses at a moment, its sidecar included.
type Use struct {
	CPU    float64 // MHz
	Memory int64   // bytes
}

// Saw adds that an instance used so much for some time.
func (v *Vitals) Saw(u Use, d time.Duration) {
	v.Measured += d
	v.CPU += int64(u.CPU * float64(d.Milliseconds()))
	v.CPUMax = max(v.CPUMax, int64(u.CPU))
	v.Memory += u.Memory / 1024 * d.Milliseconds()
	v.MemMax = max(v.MemMax, u.Memory/1024)
}

// Add adds what is in o, be it of another instance or of another bucket.
func (v *Vitals) Add(o *Vitals) {
	v.Time += o.Time
	v.Passing += o.Passing
	v.Critical += o.Critical
	v.Measured += o.Measured
	v.CPU += o.CPU
	v.CPUMax = max(v.CPUMax, o.CPUMax)
	v.Memory += o.Memory
	v.MemMax = max(v.MemMax, o.MemMax)
}

// Mean is what one instance used on average; ok is false where nobody measured.
func (v *Vitals) Mean() (u Use, ok bool) {
	ms := v.Measured.Milliseconds()
	if ms <= 0 {
		return Use{}, false
	}
	return Use{CPU: float64(v.CPU) / float64(ms), Memory: v.Memory / ms * 1024}, true
}
