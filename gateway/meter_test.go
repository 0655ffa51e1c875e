package gateway

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

// at is a time so many seconds into a bucket.
func at(s float64) time.Time {
	return time.Unix(1_000_000_000, 0).UTC().Add(time.Duration(s * float64(time.Second)))
}

// end is how a call went that took so long.
func end(took time.Duration, passed, failed bool) *outcome {
	o := &outcome{took: took, passed: passed, status: 200, in: 1, out: 2, caller: 7}
	if failed {
		o.status, o.ill, o.ending = 503, true, service.EndedShed
	}
	return o
}

// of is the latencies of calls.
func of(took ...time.Duration) (h service.Histogram) {
	for _, d := range took {
		h.Add(d)
	}
	return h
}

func TestALongCallIsBusyInEveryBucketItSpans(t *testing.T) {
	var all meters
	mt := all.of("count")
	if all.of("count") != mt || all.of("") == mt {
		t.Fatal("meters are mixed up")
	}
	mt.begin(at(3))                                                   // the long one
	mt.begin(at(4))                                                   // a short one
	mt.finish(at(4.5), end(500*time.Millisecond, true, false))        //
	mt.finish(at(6), end(2*time.Millisecond, false, true))            // one that was refused
	mt.finish(at(13), end(10*time.Second, true, false))               // the long one ends
	mt.finish(at(12), end(time.Millisecond, false, false))            // a clock that went back
	got := all.drain(nil, "dyn-x", at(16), false)                     //
	if more := all.drain(nil, "dyn-x", at(3600), true); more != nil { // nothing happened
		t.Errorf("samples of nothing: %v", more)
	}
	five := service.Duration{Duration: 5 * time.Second}
	want := []service.Sample{
		{Service: "dyn-x", Method: "count", Start: at(0), Width: five, Calls: 1, InFlightPeak: 2,
			Busy: 2500 * time.Millisecond, Latency: 500 * time.Millisecond, LatencyMax: 500 * time.Millisecond,
			Latencies: of(500 * time.Millisecond), BytesIn: 1, BytesOut: 2, Callers: service.Callers{7}},
		{Service: "dyn-x", Method: "count", Start: at(5), Width: five, Calls: 1, Errors: 1, InFlightPeak: 1,
			Busy: 5 * time.Second, Latency: 2 * time.Millisecond, LatencyMax: 2 * time.Millisecond,
			Latencies: of(2 * time.Millisecond), BytesIn: 1, BytesOut: 2, Callers: service.Callers{7}, Failed: service.Endings{service.EndedShed: 1}},
		{Service: "dyn-x", Method: "count", Start: at(10), Width: five, Calls: 2, InFlightPeak: 1,
			Busy: 3 * time.Second, Latency: 10001 * time.Millisecond, LatencyMax: 10 * time.Second,
			Latencies: of(time.Millisecond, 10*time.Second), BytesIn: 2, BytesOut: 4, Callers: service.Callers{7}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLastSamplesAreOfTheBucketThatHasNotEnded(t *testing.T) {
	var all meters
	mt := all.of("")
	mt.begin(at(1))
	if got := all.drain(nil, "dyn-x", at(2), false); got != nil {
		t.Errorf("too early: %v", got)
	}
	got := all.drain(nil, "dyn-x", at(3), true)
	if len(got) != 1 || got[0].Busy != 2*time.Second || got[0].InFlightPeak != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestAClockThatWasSetAddsNothing(t *testing.T) {
	var all meters
	mt := all.of("")
	mt.begin(at(1))
	mt.finish(at(3600), end(time.Hour, true, false))
	var busy time.Duration
	for _, s := range all.drain(nil, "dyn-x", at(3605), true) {
		busy += s.Busy
	}
	if busy != 0 {
		t.Errorf("busy %s", busy)
	}
}

func TestWaitingCountsInEveryBucketItSpans(t *testing.T) {
	var all meters
	mt := all.of("")
	mt.begin(at(1))
	mt.queued = 2
	mt.advance(at(11).UnixNano())
	got := all.drain(nil, "dyn-x", at(12), true)
	if len(got) != 3 || got[0].Waited != 8*time.Second || got[1].Waited != 10*time.Second || got[2].Waited != 4*time.Second {
		t.Errorf("got %+v", got)
	}
}

func TestTotalsAreTheSumOfAllBucketsAndTheCurrentOne(t *testing.T) {
	var all meters
	slow := end(3*time.Second, true, false)
	slow.cold = true
	for i, method := range []string{"f", "f", "g"} {
		mt := all.of(method)
		mt.begin(at(float64(i)))
		mt.finish(at(float64(7*i)), slow)
		mt.started(&cold{place: 1, start: 2, ready: 3})
		mt.begin(at(float64(7 * i)))
		mt.finish(at(float64(8*i)), end(time.Millisecond, true, i == 2))
		all.drain(nil, "dyn-x", at(float64(8*i)), false)
	}
	var got service.Total
	all.sum(&got)
	want := service.Total{
		Calls:   [2]service.Classes{{2: 2, 5: 1}, {2: 3}},
		Failed:  service.Endings{service.EndedShed: 1},
		Starts:  service.Starts{Count: 3, Place: 3, Start: 6, Ready: 9},
		BytesIn: 6, BytesOut: 12,
		Latencies: [2]service.Histogram{
			of(time.Millisecond, time.Millisecond, time.Millisecond), of(3*time.Second, 3*time.Second, 3*time.Second)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
