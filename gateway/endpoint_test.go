package gateway

import (
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

func TestAnEndpointThatIsShutGetsNoCall(t *testing.T) {
	e := newEndpoint(service.Endpoint{Alloc: "a", Addr: "10.0.0.1:80"}, 0)
	only := &set{e} // as a warm path saw it that was faster than who shut it
	if only.claim() != nil {
		t.Error("claimed before it was ready")
	}
	e.setOpen(true)
	if first, second := only.claim(), only.claim(); first != e || second != e || e.inFlight() != 2 {
		t.Fatalf("%d in flight", e.inFlight())
	}
	e.setOpen(false)
	if only.claim() != nil || e.inFlight() != 2 {
		t.Error("claimed after it was shut")
	}
	if e.release() || !e.release() {
		t.Error("the last to leave is not the second")
	}
}

func TestASetPrefersTheLessBusyAndFindsAnyRoom(t *testing.T) {
	var all set
	for range 8 {
		e := newEndpoint(service.Endpoint{}, 4)
		e.setOpen(true)
		all = append(all, e)
	}
	for range 8 * 4 {
		if all.claim() == nil {
			t.Fatal("no room found where there is some")
		}
	}
	if all.claim() != nil {
		t.Error("more calls than the limits allow")
	}
}
