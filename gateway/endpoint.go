package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// shut is set in an endpoint's word while it may get no more calls.
const shut = 1 << 62

// endpoint is where one instance is reached, and how many calls it has. The
// number and whether it takes more are one word, so that whoever shuts an
// endpoint and then reads zero knows that no call is on its way to it.
type endpoint struct {
	alloc string
	index int
	addr  string
	mesh  bool
	limit int64 // calls in flight it may have; 0: any number

	conns    atomic.Pointer[conns]   // idle connections; nil: none yet
	bridged  atomic.Pointer[bridged] // HTTP/2 connections; nil: none yet
	word     atomic.Int64
	doubting atomic.Bool // a call broke off; it is being asked whether it still answers

	// Guarded by the machine's mutex.
	running  bool
	check    service.Check
	passed   bool      // the check has been passing since it last became ready
	ready    bool      // answered a probe
	since    time.Time // when it became ready
	silent   time.Time // since when it does not answer; zero: it does
	answered bool      // it has been ready once
	penalty  time.Time // until when it is passed over while others are there
	offences int       // penalties in a row
	draining bool
	probing  context.CancelFunc // nil: no probe runs
}

func newEndpoint(seen service.Endpoint, limit int) *endpoint {
	e := &endpoint{
		alloc: seen.Alloc, index: seen.Index, addr: seen.Addr,
		mesh: seen.Transport == service.Mesh, limit: int64(limit), silent: time.Now(),
	}
	e.word.Store(shut)
	return e
}

// claim takes the endpoint for one call more, if it may have it.
func (e *endpoint) claim() bool {
	for {
		w := e.word.Load()
		if w&shut != 0 || e.limit > 0 && w >= e.limit {
			return false
		}
		if e.word.CompareAndSwap(w, w+1) {
			return true
		}
	}
}

// release gives a claim back and reports whether it was the last of an endpoint
// that is shut.
func (e *endpoint) release() bool { return e.word.Add(-1) == shut }

// setOpen lets calls in, or no more.
func (e *endpoint) setOpen(open bool) {
	if open {
		e.word.And(^shut)
	} else {
		e.word.Or(shut)
	}
}

func (e *endpoint) inFlight() int64 { return e.word.Load() &^ shut }
