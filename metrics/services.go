package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dynsvc/dynsvc/service"
)

// services collects what the gateway knows of each service.
type services struct{ totals func() []service.Total }

var (
	ofService = []string{"module", "version"}

	callsDesc    = desc("calls_total", "Calls that ended, by class of their status (gone: the caller left) and whether they waited for a start.", "code", "cold")
	tookDesc     = desc("call_duration_seconds", "How long calls took, from their header to their end.", "cold")
	failedDesc   = desc("calls_failed_total", "Calls that did not end well, by how they ended.", "ending")
	coldDesc     = desc("cold_starts_total", "Starts that a call caused.")
	phaseDesc    = desc("cold_start_seconds", "How long the phases of cold starts took that ended with an instance that answers.", "phase")
	inDesc       = desc("request_bytes_total", "Bytes of the bodies of requests.")
	outDesc      = desc("response_bytes_total", "Bytes of the bodies of answers.")
	inFlightDesc = desc("in_flight", "Calls that were passed on and are not answered yet, streams included.")
	queueDesc    = desc("queue_length", "Calls that wait for an instance.")
	readyDesc    = desc("ready_instances", "Instances that take calls.")
	stateDesc    = desc("service_phase", "1 for the phase that a service is in.", "phase")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dynsvc_"+name, help, append(ofService[:2:2], labels...), nil)
}

func (s *services) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{callsDesc, tookDesc, failedDesc, coldDesc, phaseDesc, inDesc, outDesc, inFlightDesc, queueDesc, readyDesc, stateDesc} {
		to <- d
	}
}

func (s *services) Collect(to chan<- prometheus.Metric) {
	// Two registrations of one version cannot be told apart by their labels.
	merged := map[[2]string]*service.Total{}
	for _, t := range s.totals() {
		key := [2]string{t.Module, t.Version}
		if first := merged[key]; first != nil {
			first.Merge(&t)
			first.Load.InFlight += t.Load.InFlight
			first.Load.Queued += t.Load.Queued
			first.Load.Ready += t.Load.Ready
			continue
		}
		merged[key] = &t
	}
	for _, t := range merged {
		collect(to, t)
	}
}

var coldNames = [2]string{"false", "true"}

func collect(to chan<- prometheus.Metric, t *service.Total) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, append([]string{t.Module, t.Version}, labels...)...)
	}
	for cold := range t.Calls {
		for class, n := range t.Calls[cold] {
			if n > 0 {
				send(callsDesc, prometheus.CounterValue, float64(n), t.Calls[cold].Class(class), coldNames[cold])
			}
		}
		if h := t.Latencies[cold]; len(h) > 0 {
			count, sum, buckets := cumulate(h)
			to <- prometheus.MustNewConstHistogram(tookDesc, count, sum, buckets, t.Module, t.Version, coldNames[cold])
		}
	}
	for e, n := range t.Failed {
		if n > 0 {
			send(failedDesc, prometheus.CounterValue, float64(n), service.Ending(e).String())
		}
	}
	send(coldDesc, prometheus.CounterValue, float64(t.ColdStarts))
	if n := uint64(t.Starts.Count); n > 0 {
		for _, phase := range []struct {
			name string
			took time.Duration
		}{{"place", t.Starts.Place}, {"start", t.Starts.Start}, {"ready", t.Starts.Ready}} {
			to <- prometheus.MustNewConstSummary(phaseDesc, n, phase.took.Seconds(), nil, t.Module, t.Version, phase.name)
		}
	}
	send(inDesc, prometheus.CounterValue, float64(t.BytesIn))
	send(outDesc, prometheus.CounterValue, float64(t.BytesOut))
	send(inFlightDesc, prometheus.GaugeValue, float64(t.Load.InFlight))
	send(queueDesc, prometheus.GaugeValue, float64(t.Load.Queued))
	send(readyDesc, prometheus.GaugeValue, float64(t.Load.Ready))
	send(stateDesc, prometheus.GaugeValue, 1, string(t.Load.Phase))
}

// bounds are the upper ends of the buckets of call_duration_seconds.
var bounds = []time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
}

// cumulate reads a histogram off at the bounds: to 0.8 %, as exact as its bins.
func cumulate(h service.Histogram) (count uint64, sum float64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, len(bounds))
	at := 0
	for _, bin := range h {
		low, high := service.BinRange(int(bin.Index))
		middle := low + (high-low)/2
		for at < len(bounds) && middle > bounds[at] {
			buckets[bounds[at].Seconds()] = count
			at++
		}
		count += bin.Count
		sum += middle.Seconds() * float64(bin.Count)
	}
	for ; at < len(bounds); at++ {
		buckets[bounds[at].Seconds()] = count
	}
	return count, sum, buckets
}
