package simulation

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Trace is who was called when.
type Trace struct {
	Name     string
	Start    time.Time // of the first minute
	Minutes  int
	Services []Service // by name
}

// Service is one service of a trace.
type Service struct {
	Name   string
	Memory int           // MiB an instance has; 0: not known
	Run    time.Duration // that a call takes; 0: not known
	Calls  []Calls       // by minute; minutes without calls are left out
}

// Calls are those of one minute.
type Calls struct {
	Minute int32
	Number int32
}

// Total is the number of calls.
func (t *Trace) Total() int64 {
	n := int64(0)
	for i := range t.Services {
		for _, c := range t.Services[i].Calls {
			n += int64(c.Number)
		}
	}
	return n
}

// epoch is when traces begin that do not say when they were taken: a Monday, so
// that weeks begin with it.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const minutesOfDay = 24 * 60

// sort puts a trace into the order that results do not depend on where it came
// from.
func (t *Trace) sort() {
	slices.SortStableFunc(t.Services, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(t.Services); i++ { // other apps' functions of the same name
		if name := t.Services[i-1].Name; strings.TrimRight(name, "'") == t.Services[i].Name {
			t.Services[i].Name = name + "'"
		}
	}
}
