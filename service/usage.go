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
	Silent   []Silent  `json:"silent,omitempty"`  // instances that are there and do not answer
}

// Silent is an instance that does not answer the gateway.
type Silent struct {
	Alloc  string    `json:"alloc"`
	Since  time.Time `json:"since"`
	Before bool      `json:"before,omitempty"` // it has answered before
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
