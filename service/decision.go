package service

import "time"

// Decision is one change of a count, with everything that led to it. It is
// stored for good.
type Decision struct {
	ID      int64              `json:"id"`
	Service ID                 `json:"service"`
	At      time.Time          `json:"at"`
	From    int                `json:"from"`
	To      int                `json:"to"`
	Kind    Kind               `json:"kind"`
	Reason  string             `json:"reason"`
	Inputs  map[string]float64 `json:"inputs,omitempty"`
	Alloc   string             `json:"alloc,omitempty"`   // the instance that is replaced; empty: the count changes
	Outcome string             `json:"outcome,omitempty"` // "applied", or why it was not; empty: not yet known

	// Winner is the strategy or rule whose proposal was the largest. It is empty
	// where no policy was asked: a person or a waiting call wanted the count.
	Winner    string     `json:"winner,omitempty"`
	Proposals []Proposal `json:"proposals,omitempty"` // of all strategies that had an opinion
	Caps      []Cap      `json:"caps,omitempty"`      // what became of the winner's count, in this order
}

// Proposal is the count that one strategy asked for, and why.
type Proposal struct {
	Strategy string `json:"strategy"`
	Count    int    `json:"count"`
	Reason   string `json:"reason"`
}

// Cap is a rule that made another count of the one that was proposed.
type Cap struct {
	Rule   string `json:"rule"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	Reason string `json:"reason"`
}

// Kind says which rule made a decision.
type Kind string

// The kinds of decision.
const (
	KindWake    Kind = "wake"    // a call came to a service at zero
	KindLoad    Kind = "load"    // calls in flight ask for another count
	KindIdle    Kind = "idle"    // nobody called for long enough, or nobody is expected to
	KindPrewarm Kind = "prewarm" // a call is likely soon
	KindBounds  Kind = "bounds"  // the manifest's min, max or a window
	KindFailed  Kind = "failed"  // a start failed and is not to be tried further
	KindAdmin   Kind = "admin"   // a person asked for it
	KindReplace Kind = "replace" // an instance that is ill makes room for another; the count stays
	KindAdopted Kind = "adopted" // a person or program changed it in the cluster
)
