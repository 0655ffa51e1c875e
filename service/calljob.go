package service

import (
	"context"
	"encoding/json"
	"time"
)

// CallJob is one asynchronous call as everybody who may see it sees it.
type CallJob struct {
	ID      string   `json:"id"`
	State   JobState `json:"state" enum:"queued,running,done,failed,cancelled,dead"`
	Module  string   `json:"module"`
	Service ID       `json:"service"`
	Version string   `json:"version"`
	Method  string   `json:"method"`
	Caller  string   `json:"caller,omitempty" doc:"who submitted it; absent: nobody known"`

	Idempotent bool `json:"idempotent,omitempty" doc:"the method is declared so: it may run twice"`

	Progress *float64 `json:"progress" doc:"from 0 to 1 as the method says; null: it said nothing yet"`
	Message  *string  `json:"message" doc:"what the method says it is doing; null: it said nothing yet"`
	Attempts int      `json:"attempts" doc:"how often it was started"`
	Sends    int      `json:"sends" doc:"in how many of the attempts the call reached an instance, or may have"`
	Reason   string   `json:"reason,omitempty" doc:"why the last attempt came to nothing"`

	Submitted time.Time  `json:"submitted"`
	Due       *time.Time `json:"due,omitempty" doc:"when a queued job is tried again"`
	Started   *time.Time `json:"started,omitempty" doc:"begin of the last attempt"`
	Finished  *time.Time `json:"finished,omitempty"`

	Error      *JobError    `json:"error,omitempty" doc:"of a job that is failed or dead"`
	ResultSize int64        `json:"result_size,omitempty" doc:"bytes of the result"`
	Callback   *JobCallback `json:"callback,omitempty"`
}

// JobState says where a call job stands. The last four are for good, but that a
// dead one can be sent back by hand.
type JobState string

// The states of a call job.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"    // the method answered with an error
	JobCancelled JobState = "cancelled" // somebody cancelled it
	JobDead      JobState = "dead"      // given up without an answer of the method
)

// Finished reports whether nothing more will happen by itself.
func (s JobState) Finished() bool { return s != JobQueued && s != JobRunning }

// JobError is why a job has no result, in the words of JSON-RPC.
type JobError struct {
	Code    int    `json:"code"`
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// JobCallback is how far the message about a job's end is.
type JobCallback struct {
	URL      string        `json:"url"`
	State    CallbackState `json:"state" enum:"waiting,due,delivered,failed"`
	Attempts int           `json:"attempts"`
	Error    string        `json:"error,omitempty" doc:"why the last attempt came to nothing"`
}

// CallbackState says where a callback stands.
type CallbackState string

// The states of a callback.
const (
	CallbackWaiting   CallbackState = "waiting" // the job has not ended
	CallbackDue       CallbackState = "due"
	CallbackDelivered CallbackState = "delivered"
	CallbackFailed    CallbackState = "failed" // given up
)

// JobCall is one attempt of a call job, to be sent to an instance.
type JobCall struct {
	Job           string // its id, the same in each attempt
	Service       ID
	Module        string
	Method        string          // without the module's name
	Params        json.RawMessage // an array
	Caller        Caller
	Authorization string // the caller's own, for the module; empty: none
	Progress      string // URL that the instance may report to

	// Sending is called when an instance has room for the call and nothing was
	// sent. If it returns an error, nothing is.
	Sending func(ctx context.Context) error
}

// JobRequest is a call that somebody wants to be made as a job.
type JobRequest struct {
	Module        string
	Ref           string // tag, version, range or commit; empty: the default
	Method        string // without the module's name
	Params        json.RawMessage
	Authorization string // the header that came with it; empty: none
	Peer          Peer   // who sent it
}

// Admission is what the gateway says of a call before it is made.
type Admission struct {
	Version       *Version
	Caller        Caller
	Authorization string // what of the caller's own the module may see; empty: nothing
	Payer         string // whom limits count it for, see [Peer.Payer]
}

// JobAnswer is what came of an attempt.
type JobAnswer struct {
	Status int           // of HTTP; 0: no instance answered
	Late   bool          // the instance took longer than the method may
	Sent   bool          // the call reached an instance, or may have
	After  time.Duration // when it makes sense to try again, if somebody said; 0: nobody did
}
