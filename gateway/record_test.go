package gateway_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// Samples name only what the version declares, and count every call: those
// refused, too.
func TestWhatIsRecorded(t *testing.T) {
	total := map[string]service.Sample{}
	k := newKit(t, func(s *setup) {
		s.version.Methods = []service.Method{{Name: "hi"}, {Name: "bad"}}
		s.opts.Record = func(all []service.Sample) { // never by two at once
			for _, one := range all {
				if one.Service != echo || one.Start.Nanosecond() != 0 || one.Start.Second()%5 != 0 || one.Width != seconds(5) {
					t.Errorf("sample %+v", one)
				}
				sum := total[one.Method]
				sum.Calls += one.Calls
				sum.Errors += one.Errors
				for i, n := range one.Failed {
					sum.Failed[i] += n
				}
				sum.BytesIn += one.BytesIn
				sum.BytesOut += one.BytesOut
				sum.Starts.Count += one.Starts.Count
				if one.Latencies.Count() != uint64(one.Calls) || one.Calls > 0 && one.Callers.Count() != 1 {
					t.Errorf("sample %+v", one)
				}
				sum.ColdStarts += one.ColdStarts
				sum.InFlightPeak = max(sum.InFlightPeak, one.InFlightPeak)
				sum.QueuePeak = max(sum.QueuePeak, one.QueuePeak)
				if one.Busy <= 0 || one.Latency < one.LatencyMax {
					t.Errorf("busy %s, latency %s, at most %s", one.Busy, one.Latency, one.LatencyMax)
				}
				total[one.Method] = sum
			}
		}
	})
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == `{"method":"Echo.bad","id":1}` {
			http.Error(w, "no", http.StatusInternalServerError)
		}
	})
	k.cluster.onWake(func(context.Context) error { k.gw.Apply(state(1, addr)); return nil })
	k.post("/svc/Echo", `{"method":"Echo.hi","id":1}`).must(t, http.StatusOK)
	k.post("/svc/Echo", `{"method":"Echo.hi","id":1}`).must(t, http.StatusOK)
	k.post("/svc/Echo", `{"method":"Echo.bad","id":1}`).must(t, http.StatusInternalServerError)
	k.post("/svc/Echo", `{"method":"Echo.made_up","id":1}`).must(t, http.StatusOK)
	k.get("/svc/Echo/page").must(t, http.StatusOK)
	k.get("/svc/Nobody/").must(t, http.StatusNotFound)
	k.gw.SetStopped(echo, true)
	k.get("/svc/Echo/page").must(t, http.StatusServiceUnavailable)
	k.stop()
	want := map[string]service.Sample{
		"hi":  {Calls: 2, ColdStarts: 1, Starts: service.Starts{Count: 1}, InFlightPeak: 1, QueuePeak: 1, BytesIn: 54},
		"bad": {Calls: 1, Errors: 1, Failed: service.Endings{service.EndedFailed: 1}, InFlightPeak: 1, BytesIn: 28, BytesOut: 3},
		"":    {Calls: 3, Errors: 1, Failed: service.Endings{service.EndedStopped: 1}, InFlightPeak: 1, BytesIn: 32},
	}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCallsHeldWhenRunEndsAreToldSo(t *testing.T) {
	k := newKit(t)
	call := later(func() reply { return k.get("/svc/Echo/") })
	k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
	k.stop()
	(<-call).must(t, http.StatusServiceUnavailable, "shutting down")
}

// A gateway with ten thousand versions that nobody calls.
func BenchmarkPublish(b *testing.B) {
	for b.Loop() {
		gw := gateway.New(hclog.NewNullLogger(), &cluster{}, gateway.Options{})
		for i := range 10_000 {
			id := service.ID("dyn-m-" + time.Duration(i).String())
			gw.Publish(service.Module{Name: string(id), Versions: []service.Version{{ID: id, Module: string(id), Version: "1.0.0"}}})
		}
	}
	b.ReportAllocs()
}
