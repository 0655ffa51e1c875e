package service

import "time"

// Transport is how the gateway speaks to an endpoint.
type Transport string

// The transports.
const (
	Plain Transport = "plain" // HTTP
	Mesh  Transport = "mesh"  // HTTP inside mutual TLS, through a Connect sidecar
)

// Check is the verdict of a health check. Unknown is not failing.
type Check string

// The verdicts of a health check.
const (
	Unknown  Check = ""
	Passing  Check = "passing"
	Critical Check = "critical"
)

// Endpoint is where one instance can be reached. It exists from the moment the
// scheduler has placed the instance and knows its ports: long before the
// program in it answers.
type Endpoint struct {
	Alloc     string    `json:"alloc"`
	Index     int       `json:"index"` // the allocation's index; the highest stop first
	Addr      string    `json:"addr"`  // host:port
	Transport Transport `json:"transport"`
	Node      string    `json:"node,omitempty"`
	Placed    time.Time `json:"placed"`
	Running   bool      `json:"running"` // the program was started; it may not listen yet
	Check     Check     `json:"check,omitempty"`
}

// State is everything the cluster says of one service at one moment. A newer
// State replaces an older one whole: nothing is to be added up.
type State struct {
	ID         ID         `json:"id"`
	Registered bool       `json:"registered"` // the job exists and is not stopped
	Count      int        `json:"count"`      // desired instances
	Revision   uint64     `json:"revision"`   // to compare and set with
	Endpoints  []Endpoint `json:"endpoints,omitempty"`
	Failure    *Failure   `json:"failure,omitempty"` // why instances are missing; nil: nothing known
}

// Cause classifies why a service could not start.
type Cause string

// The causes of a failed start.
const (
	NoCapacity   Cause = "no_capacity"   // no node can hold another instance now
	BadImage     Cause = "bad_image"     // the image or artifact cannot be had
	Exited       Cause = "exited"        // the program ended
	NotListening Cause = "not_listening" // it runs and its port does not answer
	Rejected     Cause = "rejected"      // the cluster refused the job or the change
)

// Failure is why a service has no (or too few) instances, for a person to read.
type Failure struct {
	Cause Cause     `json:"cause"`
	Text  string    `json:"text"` // one sentence
	Alloc string    `json:"alloc,omitempty"`
	Log   []string  `json:"log,omitempty"` // last lines of output, oldest first
	Final bool      `json:"final"`         // the cluster will not try again by itself soon
	At    time.Time `json:"at"`
}

func (f *Failure) Error() string { return f.Text }

// Job is a version made ready for a cluster.
type Job struct {
	Version Version
	HCL     string // the rendered jobspec; empty in local mode
	Digest  string // "sha256:…" over HCL
	Dir     string // the version's files, unpacked; local mode only
}

// Scaling is one change of a service's count, as asked of the cluster.
type Scaling struct {
	ID       ID
	To       int
	Revision uint64 // the State's that was decided on; 0: whatever it is now
	Reason   string
	Decision int64 // id of the stored decision
}

// ErrDeploying says that the cluster refuses to scale while a deployment is
// active. The change may be asked for again a little later.
var ErrDeploying = Errorf(ErrUnavailable, "a deployment of the service is active")

// LogOptions choose what of an instance's output is read.
type LogOptions struct {
	Follow bool
	Tail   int    // last lines an instance and stream; 0: all that is kept
	Alloc  string // one instance by its id or a prefix of it; empty: all
}

// LogLine is one line that an instance printed.
type LogLine struct {
	Alloc  string `json:"alloc"`
	Stream string `json:"stream"` // "stdout" or "stderr"
	Text   string `json:"text"`
}
