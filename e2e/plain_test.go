//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TestAProgramIsStartedByItsFirstCall is the shortest way: no image, no mesh.
// The uploaded files are downloaded by the node that runs them.
func TestAProgramIsStartedByItsFirstCall(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("PlainProgram", "", `idle_after = "2s"`))
	wantCount(t, v, 0)

	said, r := a.calls(v)
	wantColdStart(t, r)
	t.Logf("cold call: %s (%s)", r.took, r.header.Get("Server-Timing"))
	if alloc := wantOneAllocation(t, v); said.Facts.Alloc != alloc.ID {
		t.Errorf("answered by %s, want %s", said.Facts.Alloc, alloc.ID)
	}
	if e := a.status(v).State.Endpoints; len(e) != 1 || e[0].Transport != service.Plain {
		t.Errorf("endpoints = %+v, want one that is plain", e)
	}

	_, r = a.calls(v)
	if got := r.header.Get("Server-Timing"); got != "" {
		t.Errorf("a warm call has Server-Timing %q", got)
	}
	if r.took > time.Second {
		t.Errorf("a warm call took %s", r.took)
	}
	a.goesIdle(v)
}

// TestAContainerIsStartedByItsFirstCall does the same with an image and a mapped
// port.
func TestAContainerIsStartedByItsFirstCall(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(container(t, "PlainContainer", "", `idle_after = "2s"`))
	_, r := a.calls(v)
	wantColdStart(t, r)
	t.Logf("cold call: %s (%s)", r.took, r.header.Get("Server-Timing"))
	wantOneAllocation(t, v)
	a.goesIdle(v)
}
