package nomad

import (
	"encoding/json"
	"time"

	"github.com/hashicorp/nomad/api"
)

// What is read of Nomad's objects. Lists and events write the same fields, the
// rest is left out: at 10 000 services it is most of the bytes.

// job is a job as one read of it or an event shows it.
type job struct {
	ID             string
	Stop           bool
	Status         string
	Meta           map[string]string
	Version        uint64
	ModifyIndex    uint64 // moves with every change, of the status too
	JobModifyIndex uint64 // moves with every change of the job itself: what a scaling compares
	TaskGroups     []struct {
		Name  string
		Count int
	}
}

func (j *job) count() int {
	n := 0
	for _, g := range j.TaskGroups {
		if g.Name == group {
			n = g.Count
		}
	}
	return n
}

// jobStub is a job in the list of jobs, which does not tell the count.
type jobStub struct {
	ID             string
	Stop           bool
	Status         string
	Meta           map[string]string
	ModifyIndex    uint64
	JobModifyIndex uint64
}

// jobStatus is a job in the list of statuses, which does tell the count.
type jobStatus struct {
	ID            string
	ModifyIndex   uint64
	GroupCountSum int
}

// allocation is an instance, in a list or an event.
type allocation struct {
	ID                 string
	JobID              string
	Name               string
	NodeName           string
	DesiredStatus      string
	ClientStatus       string
	ClientDescription  string
	AllocatedResources *api.AllocatedResources
	TaskStates         map[string]*taskState
	FollowupEvalID     string
	NextAllocation     string
	CreateIndex        uint64
	ModifyIndex        uint64
	CreateTime         int64
	ModifyTime         int64
}

type taskState struct {
	State  string
	Failed bool
	Events []*taskEvent
}

type taskEvent struct {
	Type           string
	Time           int64
	DisplayMessage string
	Details        map[string]string
	Message        string
}

func (e *taskEvent) at() time.Time { return time.Unix(0, e.Time) }

// evaluation is Nomad's attempt to place what a job wants.
type evaluation struct {
	ID                string
	JobID             string
	TriggeredBy       string
	Status            string
	StatusDescription string
	BlockedEval       string
	JobModifyIndex    uint64
	ModifyIndex       uint64
	ModifyTime        int64
	CreateTime        int64
	FailedTGAllocs    map[string]*metrics
}

func (e *evaluation) pending() bool { return e.Status == api.EvalStatusPending }

// metrics say why nodes could not take an instance.
type metrics struct {
	NodesEvaluated     int
	NodesInPool        int
	NodePool           string
	NodesAvailable     map[string]int
	ConstraintFiltered map[string]int
	DimensionExhausted map[string]int
	QuotaExhausted     []string
}

// batch is one line of the event stream: what one write changed. A line without
// anything is a heartbeat.
type batch struct {
	Index  uint64
	Events []event
}

type event struct {
	Topic      api.Topic
	Type       string
	Key        string
	FilterKeys []string
	Payload    json.RawMessage
}

// jobID is the job that an event is about.
func (e *event) jobID() string {
	if e.Topic == api.TopicJob {
		return e.Key
	}
	if len(e.FilterKeys) > 0 {
		return e.FilterKeys[0]
	}
	return ""
}

// payload is what an event carries.
type payload struct {
	Job        *job
	Deleted    bool // the job was purged
	Allocation *allocation
	Evaluation *evaluation
}

func (j *job) stub() *jobStub {
	return &jobStub{ID: j.ID, Stop: j.Stop, Status: j.Status, Meta: j.Meta, ModifyIndex: j.ModifyIndex, JobModifyIndex: j.JobModifyIndex}
}
