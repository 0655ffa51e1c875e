package server

import (
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// A listener that does not read is cut off, and holds up nobody.
func TestASlowListenerIsCutOff(t *testing.T) {
	f := NewFeed()
	slow, done := f.listen(0)
	defer done()
	for i := range 3 * keptEvents {
		f.Decided(service.Decision{Service: "dyn-a-00000000", To: i})
	}
	n := 0
	for range slow {
		n++
	}
	if n < listening || n > 2*listening {
		t.Errorf("the slow one got %d events", n)
	}
	if len(f.last) > keptEvents {
		t.Errorf("%d events are kept", len(f.last))
	}
	late, done := f.listen(f.last[0].ID)
	defer done()
	if e := <-late; e.ID != f.last[1].ID {
		t.Errorf("after %d came %d", f.last[0].ID, e.ID)
	}
}

func TestPhasesAreEvents(t *testing.T) {
	f := NewFeed()
	f.Remember(service.Module{Name: "A", Versions: []service.Version{{ID: "dyn-a-00000000", Module: "A", Version: "1.0.0"}}})
	events, done := f.listen(0)
	defer done()
	f.Phased("dyn-a-00000000", service.Starting, "a call came")
	f.Phased("dyn-a-00000000", service.Ready, "an instance answered")
	for _, want := range []string{"is starting: a call came", "is ready: an instance answered"} {
		if e := <-events; e.Kind != PhaseEvent || e.Text != want || e.Module != "A" || e.Version != "1.0.0" {
			t.Errorf("event %+v, want %q", e, want)
		}
	}
}
