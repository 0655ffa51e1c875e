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

// Decision is one change of a count. It is stored for good.
type Decision struct {
	ID      int64              `json:"id"`
	Service ID                 `json:"service"`
	At      time.Time          `json:"at"`
	From    int                `json:"from"`
	To      int                `json:"to"`
	Kind    Kind               `json:"kind"`
	Reason  string             `json:"reason"`
	Inputs  map[string]float64 `json:"inputs,omitempty"`
	Outcome string             `json:"outcome,omitempty"` // "applied", or why it was not; empty: not yet known
}

// Kind says which rule made a decision.
type Kind string

// The kinds of decision.
const (
	KindWake    Kind = "wake"    // a call came to a service at zero
	KindLoad    Kind = "load"    // calls in flight ask for another count
	KindIdle    Kind = "idle"    // nobody called for long enough
	KindBounds  Kind = "bounds"  // the manifest's min, max or a window
	KindFailed  Kind = "failed"  // a start failed and is not to be tried further
	KindAdmin   Kind = "admin"   // a person asked for it
	KindAdopted Kind = "adopted" // a person or program changed it in the cluster
)
