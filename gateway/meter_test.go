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

func TestALongCallIsBusyInEveryBucketItSpans(t *testing.T) {
	var all meters
	mt := all.of("count")
	if all.of("count") != mt || all.of("") == mt {
		t.Fatal("meters are mixed up")
	}
	mt.begin(at(3))                                                   // the long one
	mt.begin(at(4))                                                   // a short one
	mt.finish(at(4.5), 500*time.Millisecond, true, false)             //
	mt.finish(at(6), 2*time.Millisecond, false, true)                 // one that was refused
	mt.finish(at(13), 10*time.Second, true, false)                    // the long one ends
	mt.finish(at(12), time.Millisecond, false, false)                 // a clock that went back
	got := all.drain(nil, "dyn-x", at(16), false)                     //
	if more := all.drain(nil, "dyn-x", at(3600), true); more != nil { // nothing happened
		t.Errorf("samples of nothing: %v", more)
	}
	five := service.Duration{Duration: 5 * time.Second}
	want := []service.Sample{
		{Service: "dyn-x", Method: "count", Start: at(0), Width: five, Calls: 1, InFlightPeak: 2,
			Busy: 2500 * time.Millisecond, Latency: 500 * time.Millisecond, LatencyMax: 500 * time.Millisecond},
		{Service: "dyn-x", Method: "count", Start: at(5), Width: five, Calls: 1, Errors: 1, InFlightPeak: 1,
			Busy: 5 * time.Second, Latency: 2 * time.Millisecond, LatencyMax: 2 * time.Millisecond},
		{Service: "dyn-x", Method: "count", Start: at(10), Width: five, Calls: 2, InFlightPeak: 1,
			Busy: 3 * time.Second, Latency: 10001 * time.Millisecond, LatencyMax: 10 * time.Second},
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
	mt.finish(at(3600), time.Hour, true, false)
	var busy time.Duration
	for _, s := range all.drain(nil, "dyn-x", at(3605), true) {
		busy += s.Busy
	}
	if busy != 0 {
		t.Errorf("busy %s", busy)
	}
}
