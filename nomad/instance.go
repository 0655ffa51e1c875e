package nomad

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Port labels that the templates give to where an instance is reached.
const (
	portPlain = "http"
	portMesh  = "connect-proxy-" // and the service's name
)

// instance is what is kept of one allocation.
type instance struct {
	endpoint service.Endpoint // Addr is empty where no port has a known label
	created  uint64
	index    uint64 // Nomad's, of what is known here

	wanted  bool // Nomad wants it to run
	over    bool // it will not run again
	failed  bool // it is over and not because somebody stopped it
	replace bool // Nomad has planned, or made, another in its place

	failure *service.Failure // what keeps its program from running; nil: nothing does
	log     []string         // last lines of output, for failure
	logged  bool             // log was asked for and the answer, or none in time, is here
	asked   bool             // log was asked for
	task    string           // the task that failure is about
}

func newInstance(a *allocation) *instance {
	in := &instance{
		created: a.CreateIndex, index: a.ModifyIndex,
		wanted:  a.DesiredStatus == api.AllocDesiredStatusRun,
		replace: a.FollowupEvalID != "" || a.NextAllocation != "",
	}
	switch a.ClientStatus {
	case api.AllocClientStatusFailed:
		in.over, in.failed = true, true
	case api.AllocClientStatusComplete, api.AllocClientStatusLost:
		in.over = true
	}
	addr, transport := address(a)
	in.endpoint = service.Endpoint{
		Alloc: a.ID, Index: nameIndex(a.Name), Addr: addr, Transport: transport, Node: a.NodeName,
		Placed: time.Unix(0, a.CreateTime), Running: running(a),
	}
	in.failure, in.task = diagnose(a)
	return in
}

// reachable reports whether calls may be sent to it, now or as soon as its
// program listens.
func (in *instance) reachable() bool { return in.live() && in.endpoint.Addr != "" }

// live reports whether it counts towards what the job wants.
func (in *instance) live() bool { return in.wanted && !in.over }

// address is where an allocation listens. Nomad knows it when it places it.
func address(a *allocation) (string, service.Transport) {
	if a.AllocatedResources == nil {
		return "", ""
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		if p.Label == portMesh+a.JobID {
			return hostPort(p), service.Mesh
		}
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		if p.Label == portPlain {
			return hostPort(p), service.Plain
		}
	}
	return "", ""
}

func hostPort(p api.PortMapping) string { return net.JoinHostPort(p.HostIP, strconv.Itoa(p.Value)) }

// nameIndex is 3 for "job.app[3]".
func nameIndex(name string) int {
	open := strings.LastIndexByte(name, '[')
	n, err := strconv.Atoi(strings.TrimSuffix(name[open+1:], "]"))
	if err != nil {
		return 0
	}
	return n
}

func running(a *allocation) bool {
	name := appTask(a.TaskStates)
	state, ok := a.TaskStates[name]
	return ok && state.State == "running"
}

// appTask is the name of the task that runs the module's program. An operator's
// template may call it otherwise; then it is the one that is no sidecar.
func appTask[T any](tasks map[string]T) string {
	if _, ok := tasks[task]; ok {
		return task
	}
	name := ""
	for n := range tasks {
		if !strings.HasPrefix(n, "connect-") && (name == "" || n < name) {
			name = n
		}
	}
	return name
}
