package main

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// The faults. Scaling and moving a tag are none: they explain no error.
const (
	nodeLost     = "node lost"
	consulAway   = "Consul away"
	diskFull     = "disk full"
	agentStopped = "agent restarted"
	agentKilled  = "agent killed"
)

// fault is something that was done to the cluster.
type fault struct {
	name     string
	from, to time.Time       // from the deed until all is as it was; to is zero while it lasts
	allocs   map[string]bool // that died with a node
}

// faults is what was done, in order.
type faults struct {
	mu  sync.Mutex // guards all
	all []*fault
}

// begin enters a fault before it is done.
func (f *faults) begin(name string) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := &fault{name: name, from: time.Now()}
	f.all = append(f.all, one)
	return one
}

func (f *faults) end(one *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.to = time.Now()
}

// took enters the instances that died with a node.
func (f *faults) took(one *fault, allocs []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.allocs = map[string]bool{}
	for _, a := range allocs {
		one.allocs[a] = true
	}
}

// during reports whether a call was open while the fault lasted.
func (f *fault) during(r *record) bool {
	return !r.ended.Before(f.from) && (f.to.IsZero() || !r.began.After(f.to))
}

// rule is one error that a fault explains. What no rule fits is unexplained.
type rule struct {
	fault    string
	kinds    []string // of calls; nil: all
	outcome  outcome
	status   int    // of a refusal
	text     string // that the error has to contain
	instance bool   // the call was with an instance that died with the node
	unheard  bool   // no instance has executed it
	why      string
}

// unrepeatable are the kinds that the gateway may not send again once they may have
// reached an instance.
var unrepeatable = []string{once, waves, ranges, events, socket, upload, download}

// rules are all the errors that there may be.
var rules = []rule{
	{fault: nodeLost, kinds: unrepeatable, outcome: refused, status: 502, text: "gave no answer", instance: true,
		why: "its instance died before it answered"},
	{fault: nodeLost, outcome: cut, instance: true,
		why: "its instance died in the middle of the answer"},
	{fault: nodeLost, outcome: dead, text: "not declared idempotent", instance: true,
		why: "its instance died, and the method may not run twice"},
	{fault: diskFull, kinds: []string{submit}, outcome: refused, status: 503, text: "disk is full",
		why: "what cannot be stored is not promised"},
	{fault: agentStopped, outcome: noConnection,
		why: "nobody listens until the next agent does"},
	{fault: agentStopped, outcome: refused, status: 503, text: "shutting down",
		why: "an agent that stops takes no new calls"},
	{fault: agentStopped, outcome: cut, unheard: true,
		why: "its idle connection was closed as it was sent"},
	{fault: agentKilled, outcome: noConnection,
		why: "nobody listens until the next agent does"},
	{fault: agentKilled, outcome: cut,
		why: "its connection died with the agent"},
	{fault: agentKilled, outcome: dead, text: "the agent died",
		why: "its attempt died with the agent, and the method may not run twice"},
}

// explains reports whether the rule fits the call, which was with the given
// instances.
func (u *rule) explains(f *fault, r *record, allocs []string, executed int) bool {
	switch {
	case u.fault != f.name, u.outcome != r.outcome, !f.during(r):
		return false
	case u.kinds != nil && !slices.Contains(u.kinds, r.kind), u.status != 0 && u.status != r.status:
		return false
	case !strings.Contains(r.text, u.text), u.unheard && executed > 0:
		return false
	case !u.instance:
		return true
	}
	return slices.ContainsFunc(allocs, func(a string) bool { return f.allocs[a] })
}
