package service

import (
	"encoding/json"
	"time"
)

// Sample is the usage of one service and method in one time bucket.
type Sample struct {
	Service      ID            `json:"service"`
	Method       string        `json:"method"` // empty: not a typed call
	Start        time.Time     `json:"start"`
	Width        Duration      `json:"width"`
	Calls        int64         `json:"calls"`  // calls that ended in this bucket
	Errors       int64         `json:"errors"` // of those, answered with 5xx or not at all
	Failed       Endings       `json:"failed"` // of Calls, those that did not end well, by how they ended
	ColdStarts   int64         `json:"cold_starts"`
	Starts       Starts        `json:"starts"` // cold starts that ended in this bucket with an instance that answers
	InFlightPeak int           `json:"in_flight_peak"`
	QueuePeak    int           `json:"queue_peak"`
	Busy         time.Duration `json:"busy_ns"`    // in-flight time, summed over calls, that fell into this bucket
	Waited       time.Duration `json:"waited_ns"`  // time in the queue, summed over calls, that fell into this bucket
	Latency      time.Duration `json:"latency_ns"` // summed over the calls that ended in this bucket
	LatencyMax   time.Duration `json:"latency_max_ns"`
	Latencies    Histogram     `json:"latencies,omitempty"` // of the calls that ended in this bucket
	BytesIn      int64         `json:"bytes_in"`            // of bodies, of the calls that ended in this bucket
	BytesOut     int64         `json:"bytes_out"`
	Callers      Callers       `json:"callers,omitempty"` // who made the calls that ended in this bucket
}

// Add adds the usage in o, be it of the same bucket or of another that is to be
// rolled up with it: sums grow, peaks keep the larger.
func (s *Sample) Add(o *Sample) {
	s.Calls += o.Calls
	s.Errors += o.Errors
	for i, n := range o.Failed {
		s.Failed[i] += n
	}
	s.ColdStarts += o.ColdStarts
	s.Starts.add(o.Starts)
	s.InFlightPeak = max(s.InFlightPeak, o.InFlightPeak)
	s.QueuePeak = max(s.QueuePeak, o.QueuePeak)
	s.Busy += o.Busy
	s.Waited += o.Waited
	s.Latency += o.Latency
	s.LatencyMax = max(s.LatencyMax, o.LatencyMax)
	s.Latencies = s.Latencies.Merge(o.Latencies)
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.Callers = s.Callers.Merge(o.Callers)
}

// Starts sums up how long the phases of cold starts took.
type Starts struct {
	Count int64         `json:"count"`
	Place time.Duration `json:"place_ns"` // until an instance had an address
	Start time.Duration `json:"start_ns"` // from then until its program ran
	Ready time.Duration `json:"ready_ns"` // from then until it answered
}

func (s *Starts) add(o Starts) {
	s.Count += o.Count
	s.Place += o.Place
	s.Start += o.Start
	s.Ready += o.Ready
}

// Ending is how a call ended that did not end well.
type Ending int

// The endings. A call that the service answered below 400 has none. Their
// numbers are stored: new ones come last.
const (
	EndedRefused Ending = iota // answered with 4xx, by the gateway or the service: the caller's own fault
	EndedGone                  // the caller left
	EndedShed                  // more calls than the queue or a limit takes; try again later
	EndedStopped               // the service is stopped by an admin, or the gateway shuts down
	EndedStart                 // the service could not be started
	EndedLate                  // a time limit passed
	EndedBroken                // the instance could not be reached, or its answer broke off
	EndedFailed                // the service itself answered with 5xx
	endings
)

var endingNames = [endings]string{"refused", "gone", "shed", "stopped", "start", "late", "broken", "failed"}

func (e Ending) String() string { return endingNames[e] }

// Endings counts calls by their ending.
type Endings [endings]int64

// MarshalJSON gives an object that names the endings that happened.
func (e Endings) MarshalJSON() ([]byte, error) {
	named := map[string]int64{}
	for i, n := range e {
		if n != 0 {
			named[endingNames[i]] = n
		}
	}
	return json.Marshal(named)
}

// UnmarshalJSON takes what MarshalJSON gives. Endings it does not know, of a
// newer program, are left out.
func (e *Endings) UnmarshalJSON(text []byte) error {
	var named map[string]int64
	if err := json.Unmarshal(text, &named); err != nil {
		return err
	}
	*e = Endings{}
	for i, name := range endingNames {
		e[i] = named[name]
	}
	return nil
}
