package service

import "time"

// Load is what the gateway sees of one service right now.
type Load struct {
	ID       ID        `json:"id"`
	Phase    Phase     `json:"phase"`
	InFlight int       `json:"in_flight"`         // calls passed on and not yet answered, streams included
	Queued   int       `json:"queued"`            // calls held until an instance is free
	Ready    int       `json:"ready"`             // endpoints that answered a probe
	LastBusy time.Time `json:"last_busy"`         // end of the last moment with a call in flight or queued; zero: never
	Since    time.Time `json:"since"`             // when Phase began
	Failure  *Failure  `json:"failure,omitempty"` // what the gateway itself found wrong with the last start; nil: nothing
}

// Phase is the gateway's view of a service.
type Phase string

// The phases, see package gateway for the transitions.
const (
	Idle     Phase = "idle"
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Closing  Phase = "closing"
	Broken   Phase = "broken"
	Stopped  Phase = "stopped"
)

// Sample is the usage of one service and method in one time bucket.
type Sample struct {
	Service      ID            `json:"service"`
	Method       string        `json:"method"` // empty: not a typed call
	Start        time.Time     `json:"start"`
	Width        Duration      `json:"width"`
	Calls        int64         `json:"calls"`  // calls that ended in this bucket
	Errors       int64         `json:"errors"` // of those, answered with 5xx or not at all
	ColdStarts   int64         `json:"cold_starts"`
	InFlightPeak int           `json:"in_flight_peak"`
	QueuePeak    int           `json:"queue_peak"`
	Busy         time.Duration `json:"busy_ns"`    // in-flight time, summed over calls, that fell into this bucket
	Latency      time.Duration `json:"latency_ns"` // summed over the calls that ended in this bucket
	LatencyMax   time.Duration `json:"latency_max_ns"`
}
