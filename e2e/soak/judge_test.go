package main

import (
	"testing"
	"time"
)

// TestJudge goes through what may become of a call. The soak is worth as much as
// its judge: what it must fail for stands here beside what it must not.
func TestJudge(t *testing.T) {
	began := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	during := &fault{name: nodeLost, from: began, to: began.Add(time.Minute), allocs: map[string]bool{"gone": true}}
	of := func(name string) *fault { return &fault{name: name, from: began, to: began.Add(time.Minute)} }
	before := &fault{name: nodeLost, from: began.Add(-time.Hour), to: began.Add(-time.Minute), allocs: during.allocs}
	stays, gone := execution{alloc: "stays"}, execution{alloc: "gone"}
	noAnswer := record{kind: once, outcome: refused, status: 502, text: "the instance of Soak 1.0.0 gave no answer"}
	tests := []struct {
		name     string
		record   record
		executed []execution
		passedTo string
		faults   []*fault
		want     string // its verdict: ok, explained, lost, doubled, unexplained
	}{
		{name: "answered", record: record{kind: once, outcome: good}, executed: []execution{stays}, want: "ok"},
		{name: "answered without an execution", record: record{kind: once, outcome: good}, want: "lost"},
		{name: "executed twice", record: record{kind: once, outcome: good}, executed: []execution{stays, stays}, want: "doubled"},
		{name: "executed twice and failed", record: noAnswer, executed: []execution{gone, stays}, faults: []*fault{during}, want: "doubled"},
		{name: "executed twice, which it may be", record: record{kind: again, outcome: good}, executed: []execution{gone, stays}, want: "ok"},
		{name: "a job executed twice", record: record{kind: job, outcome: good}, executed: []execution{gone, stays}, faults: []*fault{during}, want: "doubled"},
		{name: "never answered", record: record{kind: once, outcome: late}, executed: []execution{stays}, faults: []*fault{during, of(agentKilled)}, want: "lost"},
		{name: "answered with something else", record: record{kind: once, outcome: wrong}, executed: []execution{stays}, faults: []*fault{of(agentKilled)}, want: "unexplained"},

		{name: "its instance died, says the ledger", record: noAnswer, executed: []execution{gone}, faults: []*fault{during}, want: "explained"},
		{name: "its instance died, says the access log", record: noAnswer, passedTo: "gone", faults: []*fault{during}, want: "explained"},
		{name: "another instance died", record: noAnswer, executed: []execution{stays}, passedTo: "stays", faults: []*fault{during}, want: "unexplained"},
		{name: "its instance died long ago", record: noAnswer, executed: []execution{gone}, faults: []*fault{before}, want: "unexplained"},
		{name: "nothing was done", record: noAnswer, executed: []execution{stays}, want: "unexplained"},
		{name: "what may run twice was given up", record: record{kind: again, outcome: refused, status: 502, text: "gave no answer"},
			executed: []execution{gone}, faults: []*fault{during}, want: "unexplained"},
		{name: "another error", record: record{kind: once, outcome: refused, status: 503, text: "no node can hold it now"},
			executed: []execution{gone}, faults: []*fault{during}, want: "unexplained"},
		{name: "a job of an instance that died", record: record{kind: job, outcome: dead, text: "… it is not declared idempotent, so it was not tried again"},
			executed: []execution{gone}, faults: []*fault{during}, want: "explained"},

		{name: "refused without Consul", record: noAnswer, executed: []execution{stays}, faults: []*fault{of(consulAway)}, want: "unexplained"},
		{name: "a call refused for the disk", record: record{kind: once, outcome: refused, status: 503, text: "database or disk is full"}, faults: []*fault{of(diskFull)}, want: "unexplained"},
		{name: "a job refused for the disk", record: record{kind: submit, outcome: refused, status: 503, text: "database or disk is full"}, faults: []*fault{of(diskFull)}, want: "explained"},
		{name: "nobody listened", record: record{kind: once, outcome: noConnection}, faults: []*fault{of(agentStopped)}, want: "explained"},
		{name: "cut off by an agent that stops", record: record{kind: once, outcome: cut}, executed: []execution{stays}, faults: []*fault{of(agentStopped)}, want: "unexplained"},
		{name: "cut off by an agent that was killed", record: record{kind: once, outcome: cut}, executed: []execution{stays}, faults: []*fault{of(agentKilled)}, want: "explained"},
		{name: "nobody listened, for no reason", record: record{kind: once, outcome: noConnection}, want: "unexplained"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.record.began, tt.record.ended = began, began.Add(time.Second)
			v := judge(&tt.record, tt.executed, tt.passedTo, tt.faults)
			got := "unexplained"
			switch {
			case v.doubled:
				got = "doubled"
			case v.lost:
				got = "lost"
			case v.ok:
				got = "ok"
			case v.rule != nil:
				got = "explained"
			}
			if got != tt.want {
				t.Errorf("judged %s, want %s", got, tt.want)
			}
			if fails := got != "ok" && got != "explained"; fails != v.bad() {
				t.Errorf("the soak fails for it: %t, want %t", v.bad(), fails)
			}
		})
	}
}

// TestScheduleFills checks that the phases of a run last as long as it is to last,
// and never less than each needs.
func TestScheduleFills(t *testing.T) {
	sum := func(all []time.Duration) (d time.Duration) {
		for _, one := range all {
			d += one
		}
		return d
	}
	if got := sum(schedule(10 * time.Minute)); got != 10*time.Minute {
		t.Errorf("ten minutes are %s", got)
	}
	for i, d := range schedule(0) {
		if d != phases[i].least {
			t.Errorf("%s lasts %s, want %s", phases[i].name, d, phases[i].least)
		}
	}
}
