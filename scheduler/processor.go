package scheduler

import "time"

// processor is what a service's instances used together, the oldest first.
type processor struct {
	used []used
}

type used struct {
	at     time.Time
	mhz    float64
	memory float64 // MiB
}

// add takes in what they use now.
func (p *processor) add(u used) { p.used = append(p.used, u) }

// average returns the means of the window; ok is false where the newest
// measurement is too old.
func (p *processor) average(now time.Time, window time.Duration) (u used, ok bool) {
	n := len(p.used)
	if n == 0 || now.Sub(p.used[n-1].at) > measureStale {
		return used{}, false
	}
	first := 0
	for now.Sub(p.used[first].at) > window && first < n-1 {
		first++
	}
	p.used = p.used[first:]
	for _, x := range p.used {
		u.mhz += x.mhz
		u.memory += x.memory
	}
	of := float64(len(p.used))
	return used{at: now, mhz: u.mhz / of, memory: u.memory / of}, true
}
