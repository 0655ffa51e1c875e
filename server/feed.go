package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// EventKind is what an event is about.
type EventKind string

// The kinds of events.
const (
	ModuleEvent   EventKind = "module"   // a version was registered, a tag or a split changed
	DecisionEvent EventKind = "decision" // a count was changed, or was to be
	PhaseEvent    EventKind = "phase"    // a service became starting, ready, idle, …
	GapEvent      EventKind = "gap"      // what was between the last event seen and this one is not kept
)

// Event is something that happened to a module or to one of its services.
type Event struct {
	ID       int64             `json:"id" doc:"ascends, also over restarts; a client that comes back says the last one it saw"`
	At       time.Time         `json:"at"`
	Kind     EventKind         `json:"kind" enum:"module,decision,phase,gap"`
	Module   string            `json:"module"`
	Version  string            `json:"version,omitempty"`
	Service  service.ID        `json:"service,omitempty"`
	Text     string            `json:"text" doc:"a sentence"`
	Decision *service.Decision `json:"decision,omitempty"`
}

const (
	keptEvents = 1024 // for clients that come back
	listening  = 256  // events that a listener may be behind
)

// Feed hands events to those who listen and keeps the last ones. It loses none
// silently: who is too far behind is cut off, and comes back.
type Feed struct {
	mu        sync.Mutex
	last      []Event // at most keptEvents, the oldest first
	id        int64   // of the newest event
	dropped   int64   // of the newest one that is not kept
	listeners map[chan Event]struct{}
	known     map[string]known // by module key
	names     map[service.ID]named
}

// known is what the feed remembers of a module, to say what is new.
type known struct {
	tags   map[string]service.ID
	splits map[string]service.Split
}

type named struct{ module, version string }

// NewFeed returns a feed without events. Its ids go on from the time, so that they
// ascend over restarts.
func NewFeed() *Feed {
	id := time.Now().UnixMicro()
	return &Feed{id: id, dropped: id, listeners: map[chan Event]struct{}{}, known: map[string]known{}, names: map[service.ID]named{}}
}

// Phased hears of a service's new phase.
func (f *Feed) Phased(id service.ID, to service.Phase, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(Event{Kind: PhaseEvent, Service: id, Text: fmt.Sprintf("is %s: %s", to, reason)})
}

// Decided hears of a decision.
func (f *Feed) Decided(d service.Decision) {
	text := fmt.Sprintf("%d -> %d, %s: %s", d.From, d.To, d.Kind, d.Reason)
	if d.Outcome != "" && d.Outcome != "applied" {
		text += " (" + d.Outcome + ")"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(Event{Kind: DecisionEvent, Service: d.Service, Text: text, Decision: &d})
}

// Remember takes in a module as it is when the agent starts.
func (f *Feed) Remember(m service.Module) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remember(m)
}

func (f *Feed) remember(m service.Module) {
	f.known[service.ModuleKey(m.Name)] = known{maps.Clone(m.Tags), maps.Clone(m.Splits)}
	for _, v := range m.Versions {
		f.names[v.ID] = named{m.Name, v.Version}
	}
}

// Changed hears of a module that changed.
func (f *Feed) Changed(m service.Module) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.known[service.ModuleKey(m.Name)]
	var fresh []service.ID
	for _, v := range m.Versions {
		if _, seen := f.names[v.ID]; !seen {
			fresh = append(fresh, v.ID)
		}
	}
	f.remember(m)
	for _, id := range fresh {
		f.add(Event{Kind: ModuleEvent, Service: id, Text: "was registered"})
	}
	for _, tag := range slices.Sorted(maps.Keys(m.Tags)) {
		if id := m.Tags[tag]; before.tags[tag] != id {
			f.add(Event{Kind: ModuleEvent, Service: id, Text: "is now " + tag})
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(m.Splits)) {
		if s := m.Splits[tag]; before.splits[tag] != s {
			f.add(Event{Kind: ModuleEvent, Service: s.To, Text: fmt.Sprintf("gets %d percent of the calls of %s", s.Percent, tag)})
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(before.splits)) {
		if _, still := m.Splits[tag]; !still {
			f.add(Event{Kind: ModuleEvent, Service: m.Tags[tag], Text: "has all calls of " + tag + " again"})
		}
	}
}

// add gives an event its number and hands it out; mu is held.
func (f *Feed) add(e Event) {
	f.id++
	e.ID, e.At = f.id, time.Now().UTC()
	n := f.names[e.Service]
	e.Module, e.Version = cmp.Or(n.module, string(e.Service)), n.version
	if len(f.last) == keptEvents {
		const old = keptEvents / 4
		f.dropped = f.last[old-1].ID
		f.last = slices.Delete(f.last, 0, old)
	}
	f.last = append(f.last, e)
	for l := range f.listeners {
		select {
		case l <- e:
		default: // too far behind
			delete(f.listeners, l)
			close(l)
		}
	}
}

// listen returns the events after one that was seen, as far as they are kept, and
// those that come. The channel is closed when the listener is too far behind. done
// must be called.
func (f *Feed) listen(after int64) (events <-chan Event, done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	missed := f.last[len(f.last):]
	if after > 0 {
		at, _ := slices.BinarySearchFunc(f.last, after, func(e Event, id int64) int { return cmp.Compare(e.ID, id+1) })
		missed = f.last[at:]
	}
	l := make(chan Event, 1+len(missed)+listening)
	if after > 0 && after < f.dropped {
		l <- Event{ID: f.dropped, At: time.Now().UTC(), Kind: GapEvent, Text: "what happened before is not kept any more"}
	}
	for _, e := range missed {
		l <- e
	}
	f.listeners[l] = struct{}{}
	return l, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, still := f.listeners[l]; still {
			delete(f.listeners, l)
			close(l)
		}
	}
}

// about reports whether an event is about a module; "" is any.
func (e *Event) about(module string) bool {
	return module == "" || e.Kind == GapEvent || strings.EqualFold(e.Module, module)
}
