package simulation

import (
	"math"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
)

// hybrid is the hybrid histogram policy of Shahrad et al., "Serverless in the
// Wild: Characterizing and Optimizing the Serverless Workload at a Large Cloud
// Provider", ATC 2020, section 4.2, with the numbers given there. Each service
// has a histogram of its idle times in bins of a minute over a range of four
// hours:
//
//   - Where the histogram is representative (the coefficient of variation of its
//     bins is 2 or more), the instance is stopped after a call, started again
//     after the 5th percentile of idle times, less 10 %, and kept until the 99th,
//     and 10 % more. A 5th percentile that rounds to nothing means that it is not
//     stopped.
//   - Where most idle times are beyond the range, a time series model says the
//     next one, with a margin of 15 % to both sides. Theirs is an ARIMA whose
//     order is chosen anew each time; this is the ARIMA(0,1,1), exponential
//     smoothing.
//   - Else the instance is kept for the whole range.
type hybrid struct {
	span     int // of the histogram, minutes
	services []idleTimes
}

const (
	histogramRange = 4 * time.Hour
	head, tail     = 0.05, 0.99
	margin         = 0.10
	seriesMargin   = 0.15
	representative = 2.0
	smoothing      = 0.3
)

// idleTimes is what the policy knows of one service.
type idleTimes struct {
	bins       []uint32
	inside     int
	beyond     int
	squares    float64 // sum of the bins' squares
	smooth     float64 // the next idle time, by exponential smoothing
	from, till int     // minutes after the last call between which it is warm
}

func newHybrid(services, span int) *hybrid {
	h := &hybrid{span: span, services: make([]idleTimes, services)}
	for i := range h.services {
		h.services[i].till = span
	}
	return h
}

func (h *hybrid) count(service int, _ *scheduler.View, age int) int {
	if s := &h.services[service]; age >= s.from && age <= s.till {
		return 1
	}
	return 0
}

func (h *hybrid) called(service, age int) {
	if age == 0 {
		return
	}
	s := &h.services[service]
	if s.bins == nil {
		s.bins = make([]uint32, h.span+1)
		s.smooth = float64(age)
	}
	s.smooth += smoothing * (float64(age) - s.smooth)
	if age <= h.span {
		s.squares += float64(2*s.bins[age] + 1)
		s.bins[age]++
		s.inside++
	} else {
		s.beyond++
	}
	s.plan(h.span)
}

// plan chooses when the service is warm after its last call.
func (s *idleTimes) plan(span int) {
	s.from, s.till = 0, span
	if s.beyond > s.inside {
		s.from = int(s.smooth * (1 - seriesMargin))
		s.till = int(math.Ceil(s.smooth * (1 + seriesMargin)))
		return
	}
	mean := float64(s.inside) / float64(span)
	if deviation := math.Sqrt(s.squares/float64(span) - mean*mean); deviation < representative*mean {
		return
	}
	s.from = int(float64(s.percentile(head)) * (1 - margin))
	s.till = int(math.Ceil(float64(s.percentile(tail)) * (1 + margin)))
	if s.from <= 1 {
		s.from = 0
	}
}

// percentile is the idle time that this part of those within the range do not
// exceed.
func (s *idleTimes) percentile(part float64) int {
	need := part * float64(s.inside)
	sum := 0.0
	for age, n := range s.bins {
		if sum += float64(n); n > 0 && sum >= need {
			return age
		}
	}
	return len(s.bins) - 1
}
