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
	now      service.Sample // the bucket that at is in, without its latencies
	took     [2]bins        // of the bucket that at is in: calls that did not wait for a start, and those that did
	past     []service.Sample
	total    service.Total // of the buckets before; its service is not named
}

// outcome is how one call went.
type outcome struct {
	took    time.Duration
	passed  bool // begin counted it
	cold    bool // it waited for a start
	status  int
	ending  service.Ending // where ill
	ill     bool           // it did not end well
	in, out int64          // bytes of the bodies
	caller  uint64         // see service.HashCaller
}

// begin counts a call that is passed on.
func (mt *meter) begin(at time.Time) {
	mt.mu.Lock()
	mt.advance(at.UnixNano())
	mt.inFlight++
	mt.now.InFlightPeak = max(mt.now.InFlightPeak, mt.inFlight)
	mt.mu.Unlock()
}

// finish counts a call that ended.
func (mt *meter) finish(at time.Time, o *outcome) {
	cold := 0
	if o.cold {
		cold = 1
	}
	mt.mu.Lock()
	mt.advance(at.UnixNano())
	if o.passed {
		mt.inFlight--
	}
	mt.now.Calls++
	if o.status >= 500 {
		mt.now.Errors++
	}
	if o.ill {
		mt.now.Failed[o.ending]++
	}
	mt.now.Latency += o.took
	mt.now.LatencyMax = max(mt.now.LatencyMax, o.took)
	mt.now.BytesIn += o.in
	mt.now.BytesOut += o.out
	mt.now.Callers.Add(o.caller)
	mt.took[cold].add(o.took)
	mt.total.Calls[cold].Add(o.status)
	mt.mu.Unlock()
}

// started counts the end of a cold start.
func (mt *meter) started(c *cold) {
	mt.mu.Lock()
	mt.advance(time.Now().UnixNano())
	mt.now.Starts.Count++
	mt.now.Starts.Place += c.place
	mt.now.Starts.Start += c.start
	mt.now.Starts.Ready += c.ready
	mt.mu.Unlock()
}

// sum adds what all meters have counted since the gateway began.
func (s *meters) sum(to *service.Total) {
	if all := s.byMethod.Load(); all != nil {
		for _, mt := range *all {
			mt.sum(to)
		}
	}
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
		mt.now.Waited += time.Duration(mt.queued) * time.Duration(end-mt.at)
		mt.close()
		mt.open(end)
		end += int64(bucket)
	}
	mt.now.Busy += time.Duration(mt.inFlight) * time.Duration(at-mt.at)
	mt.now.Waited += time.Duration(mt.queued) * time.Duration(at-mt.at)
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
	s := &mt.now
	if s.Calls == 0 && s.ColdStarts == 0 && s.Starts.Count == 0 && s.InFlightPeak == 0 && s.QueuePeak == 0 {
		return
	}
	mt.total.Add(s)
	for i := range mt.took {
		all := mt.took[i].take()
		s.Latencies = s.Latencies.Merge(all)
		mt.total.Latencies[i] = mt.total.Latencies[i].Merge(all)
	}
	mt.past = append(mt.past, *s)
}

// sum adds what the meter has counted since the gateway began.
func (mt *meter) sum(to *service.Total) {
	mt.mu.Lock()
	defer mt.mu.Unlock()
	to.Merge(&mt.total)
	to.Add(&mt.now)
	for i := range mt.took {
		to.Latencies[i] = to.Latencies[i].Merge(mt.took[i].list())
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

// bins counts calls by how long they took, as a [service.Histogram] that is
// quick to add to. Only the powers of two that were met have their bins.
type bins [service.Bins / partsOfPower]*[partsOfPower]uint32

const partsOfPower = 64

func (b *bins) add(d time.Duration) {
	i := service.BinOf(d)
	part := &b[i/partsOfPower]
	if *part == nil {
		*part = new([partsOfPower]uint32)
	}
	(*part)[i%partsOfPower]++
}

func (b *bins) list() (h service.Histogram) {
	for i, part := range b {
		if part == nil {
			continue
		}
		for j, n := range part {
			if n > 0 {
				h = append(h, service.Bin{Index: uint16(i*partsOfPower + j), Count: uint64(n)})
			}
		}
	}
	return h
}

// take is list, and begins anew.
func (b *bins) take() service.Histogram {
	h := b.list()
	for _, part := range b {
		if part != nil {
			clear(part[:])
		}
	}
	return h
}
