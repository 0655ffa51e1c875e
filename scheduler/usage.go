package scheduler

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// usage is how busy each service was in the last stable window, from samples.
// Buckets are kept rather than read again each time: a tick is to be cheap.
type usage struct {
	buckets map[service.ID][]bucket // oldest first
	newest  time.Time               // start of the newest bucket
	end     time.Time               // end of the newest bucket
}

// bucket is one sample with its methods added up.
type bucket struct {
	start time.Time
	width time.Duration
	busy  time.Duration
	calls int64
	took  service.Histogram // kept only for services that have a target for it
}

// sampleLag is how much later than its time a sample may be stored: the width of
// a bucket and the time to write it.
const sampleLag = 6 * time.Second

// since is from when samples are to be read: the newest ones again, as another
// gateway may have added to them.
func (u *usage) since(now time.Time, window time.Duration) time.Time {
	from := now.Add(-window)
	if again := u.newest.Add(-2 * sampleLag); again.After(from) {
		return again
	}
	return from
}

// add takes the samples that begin at or after since.
// timed says of which services latencies are wanted.
func (u *usage) add(samples []service.Sample, since, now time.Time, window time.Duration, timed func(service.ID) bool) {
	if u.buckets == nil {
		u.buckets = map[service.ID][]bucket{}
	}
	for id, buckets := range u.buckets {
		kept := buckets[:0]
		for _, b := range buckets {
			if b.start.Before(since) && b.start.Add(b.width).After(now.Add(-window)) {
				kept = append(kept, b)
			}
		}
		if len(kept) == 0 {
			delete(u.buckets, id)
			continue
		}
		u.buckets[id] = kept
	}
	for i := range samples {
		s := &samples[i]
		if s.Start.Before(since) || s.Width.Duration <= 0 {
			continue
		}
		b := bucket{start: s.Start, width: s.Width.Duration, busy: s.Busy, calls: s.Calls}
		if len(s.Latencies) > 0 && timed(s.Service) {
			b.took = s.Latencies
		}
		u.buckets[s.Service] = merge(u.buckets[s.Service], b)
		if s.Start.After(u.newest) {
			u.newest = s.Start
		}
		if end := s.Start.Add(s.Width.Duration); end.After(u.end) {
			u.end = end
		}
	}
}

// merge adds a bucket to those of its service; they come nearly in order.
func merge(buckets []bucket, b bucket) []bucket {
	for i := len(buckets) - 1; i >= 0; i-- {
		if buckets[i].start.Equal(b.start) && buckets[i].width == b.width {
			buckets[i].busy += b.busy
			buckets[i].calls += b.calls
			buckets[i].took = buckets[i].took.Merge(b.took)
			return buckets
		}
		if buckets[i].start.Before(b.start) {
			break
		}
	}
	return append(buckets, b)
}

// average is the mean number of calls in flight over the window that ends now.
// The end of it that no sample covers yet is taken to be as it is at this
// moment.
func (u *usage) average(id service.ID, inFlight int, now time.Time, window time.Duration) float64 {
	from := now.Add(-window)
	tail := now.Sub(latest(u.end, now.Add(-sampleLag), from))
	var busy time.Duration
	for _, b := range u.buckets[id] {
		end := b.start.Add(b.width)
		shared := min(now.Sub(from), end.Sub(from), b.width, now.Sub(b.start))
		if shared > 0 {
			busy += time.Duration(float64(b.busy) * float64(shared) / float64(b.width))
		}
	}
	if tail > 0 {
		busy += time.Duration(inFlight) * tail
	}
	return float64(busy) / float64(window)
}

// rate is the mean number of calls that ended in a second, over the window that
// ends with the newest bucket of any service: of the time since then nothing is
// known. took is the mean time that a call was in flight.
func (u *usage) rate(id service.ID, now time.Time, window time.Duration) (rate float64, took time.Duration) {
	end := u.end
	if end.After(now) {
		end = now
	}
	var calls float64
	var busy time.Duration
	for _, b := range u.buckets[id] {
		shared := min(end.Sub(b.start), b.width, b.start.Add(b.width).Sub(end.Add(-window)))
		if shared <= 0 || now.Sub(end) > window+sampleLag {
			continue
		}
		part := float64(shared) / float64(b.width)
		calls += part * float64(b.calls)
		busy += time.Duration(part * float64(b.busy))
	}
	if calls > 0 {
		took = time.Duration(float64(busy) / calls)
	}
	return calls / window.Seconds(), took
}

// latency is a quantile of the calls that ended within the window.
func (u *usage) latency(id service.ID, now time.Time, window time.Duration, part float64) time.Duration {
	var all service.Histogram
	for _, b := range u.buckets[id] {
		if b.start.Add(b.width).After(now.Add(-window)) {
			all = all.Merge(b.took)
		}
	}
	return all.Quantile(part)
}
