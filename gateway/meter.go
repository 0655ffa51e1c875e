package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// bucket is the width of a sample. Buckets begin at multiples of it.
const bucket = 5 * time.Second

// gapLimit bounds how many buckets are filled in after a time in which nobody
// looked: more than that is a clock that was set.
const gapLimit = 24

// meters are the counters of one service, one for each declared method that has
// been called and one, "", for everything else. The map is copied when it
// grows, so that finding a meter takes no lock.
type meters struct {
	byMethod atomic.Pointer[map[string]*meter]
	mu       sync.Mutex // for writers
}

// of returns the meter of a method, which must be one that the version
// declares, or "".
func (s *meters) of(method string) *meter {
	if all := s.byMethod.Load(); all != nil {
		if mt, ok := (*all)[method]; ok {
			return mt
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]*meter{}
	if all := s.byMethod.Load(); all != nil {
		if mt, ok := (*all)[method]; ok {
			return mt
		}
		next = maps.Clone(*all)
	}
	mt := &meter{method: method}
	next[method] = mt
	s.byMethod.Store(&next)
	return mt
}

// drain appends the samples of the buckets that have ended, and at the last
// time that of the bucket that has not.
func (s *meters) drain(samples []service.Sample, id service.ID, now time.Time, last bool) []service.Sample {
	all := s.byMethod.Load()
	if all == nil {
		return samples
	}
	for method, mt := range *all {
		for _, sample := range mt.drain(now.UnixNano(), last) {
			sample.Service, sample.Method = id, method
			samples = append(samples, sample)
		}
	}
	return samples
}

// meter counts the calls of one method of one service. Its mutex is held for a
// few additions, and shared by nothing else.
type meter struct {
	method string

	mu       sync.Mutex
	at       int64 // unix ns up to which now is integrated; 0: nothing yet
	inFlight int
	queued   int
	now      service.Sample // the bucket that at is in
	past     []service.Sample
}

// begin counts a call that is passed on.
func (mt *meter) begin(at time.Time) {
	mt.mu.Lock()
	mt.advance(at.UnixNano())
	mt.inFlight++
	mt.now.InFlightPeak = max(mt.now.InFlightPeak, mt.inFlight)
	mt.mu.Unlock()
}

// finish counts a call that ended. passed says whether begin counted it.
func (mt *meter) finish(at time.Time, took time.Duration, passed, failed bool) {
	mt.mu.Lock()
	mt.advance(at.UnixNano())
	if passed {
		mt.inFlight--
	}
	mt.now.Calls++
	if failed {
		mt.now.Errors++
	}
	mt.now.Latency += took
	mt.now.LatencyMax = max(mt.now.LatencyMax, took)
	mt.mu.Unlock()
}

// queue counts a call that waits, and a cold start if the call caused one.
func (mt *meter) queue(woke bool) {
	mt.mu.Lock()
	mt.advance(time.Now().UnixNano())
	mt.queued++
	mt.now.QueuePeak = max(mt.now.QueuePeak, mt.queued)
	if woke {
		mt.now.ColdStarts++
	}
	mt.mu.Unlock()
}

// woke counts a cold start that no call waits for.
func (mt *meter) woke() {
	mt.mu.Lock()
	mt.advance(time.Now().UnixNano())
	mt.now.ColdStarts++
	mt.mu.Unlock()
}

// unqueue counts a call that waits no longer.
func (mt *meter) unqueue() {
	mt.mu.Lock()
	mt.advance(time.Now().UnixNano())
	mt.queued--
	mt.mu.Unlock()
}

// advance integrates up to at, closing the buckets that lie before it. A clock
// that goes back stands still here until it has caught up.
func (mt *meter) advance(at int64) {
	if at <= mt.at {
		return
	}
	end := mt.at - mt.at%int64(bucket) + int64(bucket)
	if mt.at == 0 || at-end > gapLimit*int64(bucket) {
		mt.close()
		mt.open(at)
		return
	}
	for at >= end {
		mt.now.Busy += time.Duration(mt.inFlight) * time.Duration(end-mt.at)
		mt.close()
		mt.open(end)
		end += int64(bucket)
	}
	mt.now.Busy += time.Duration(mt.inFlight) * time.Duration(at-mt.at)
	mt.at = at
}

// open begins the bucket that at is in.
func (mt *meter) open(at int64) {
	mt.at = at
	mt.now = service.Sample{
		Start: time.Unix(0, at-at%int64(bucket)).UTC(), Width: service.Duration{Duration: bucket},
		InFlightPeak: mt.inFlight, QueuePeak: mt.queued,
	}
}

// close keeps the current bucket if anything happened in it.
func (mt *meter) close() {
	if s := &mt.now; s.Calls > 0 || s.ColdStarts > 0 || s.InFlightPeak > 0 || s.QueuePeak > 0 {
		mt.past = append(mt.past, *s)
	}
}

func (mt *meter) drain(at int64, last bool) []service.Sample {
	mt.mu.Lock()
	defer mt.mu.Unlock()
	if mt.at == 0 {
		return nil
	}
	mt.advance(at)
	if last {
		mt.close()
		mt.open(mt.at)
	}
	past := mt.past
	mt.past = nil
	return past
}
