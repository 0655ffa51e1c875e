package server

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

func TestPhasesAreEventsWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed()
		var phase atomic.Value
		phase.Store(service.Idle)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- f.Run(ctx, func() []service.Load {
				return []service.Load{{ID: "dyn-a-00000000", Phase: phase.Load().(service.Phase), Ready: 1}}
			})
		}()
		phase.Store(service.Starting)
		<-time.After(time.Second) // nobody listens
		events, done := f.listen(0)
		<-time.After(time.Second)
		phase.Store(service.Ready)
		if e := <-events; e.Kind != PhaseEvent || e.Text != "is ready, with 1 instances that answer" {
			t.Errorf("event %+v", e)
		}
		done()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
