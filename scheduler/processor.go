package scheduler

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// measureEvery is how often the processor time of instances is asked for: as
// often as Nomad's clients renew theirs many times over.
const measureEvery = 10 * time.Second

// measureStale is from when on a measurement says nothing.
const measureStale = 3 * measureEvery

// processor is what a service's instances used together, the oldest first.
type processor struct {
	at  []time.Time
	mhz []float64
}

// average returns the mean of the window; ok is false where the newest
// measurement is too old.
func (p *processor) average(now time.Time, window time.Duration) (mhz float64, ok bool) {
	n := len(p.at)
	if n == 0 || now.Sub(p.at[n-1]) > measureStale {
		return 0, false
	}
	first := 0
	for now.Sub(p.at[first]) > window && first < n-1 {
		first++
	}
	p.at, p.mhz = p.at[first:], p.mhz[first:]
	var sum float64
	for _, x := range p.mhz {
		sum += x
	}
	return sum / float64(len(p.mhz)), true
}

// measure asks for the processor time of the services that have a target for it,
// until ctx ends.
func (e *Engine) measure(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		states, fresh := e.cluster.States()
		if !fresh {
			continue
		}
		for i := range states {
			if e.wantsCPU(states[i].ID) {
				e.measureOne(ctx, &states[i])
			}
		}
	}
}

func (e *Engine) wantsCPU(id service.ID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.services[id]
	return ok && t.count > 0 && t.scale.Target.CPUPercent > 0
}

// measureOne adds up what the instances of a service use. One that cannot be
// asked makes the sum unknown, which is not 0.
func (e *Engine) measureOne(ctx context.Context, st *service.State) {
	var sum float64
	running := 0
	for j := range st.Endpoints {
		if !st.Endpoints[j].Running {
			continue
		}
		mhz, err := e.opts.CPU(ctx, st.Endpoints[j].Alloc)
		if err != nil {
			e.log.Debug("could not measure an instance", "service", st.ID, "alloc", st.Endpoints[j].Alloc, "error", err)
			return
		}
		sum += mhz
		running++
	}
	if running == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.services[st.ID]; ok {
		t.processor.at, t.processor.mhz = append(t.processor.at, time.Now()), append(t.processor.mhz, sum)
	}
}
