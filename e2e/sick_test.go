//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// TestAnInstanceThatStaysSickIsReplaced has one of two instances answer its health
// check with 500 from now on: calls go to the other one without a failure, and after
// the stated time Nomad has another in its place.
func TestAnInstanceThatStaysSickIsReplaced(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain+"\npolicy {\n tick = \"1s\"\n replace_after = \"5s\"\n}")
	v := a.register(program("Sick", "health { path = \"/health\" }", "min = 2\n idle_after = \"5m\""))
	var sick string
	waitFor(t, "two instances to be well in Consul", 60*time.Second, func(ctx context.Context) error {
		st := a.status(v).State
		if len(st.Endpoints) != 2 || a.status(v).Load.Ready != 2 {
			return fmt.Errorf("state %+v", st)
		}
		for _, e := range st.Endpoints {
			if e.Check != service.Passing {
				return fmt.Errorf("%s is %q", e.Alloc, e.Check)
			}
		}
		sick = st.Endpoints[0].Alloc
		return a.getAt(ctx, st.Endpoints[0].Addr, "/fall-ill")
	})
	began := time.Now()
	waitFor(t, "the instance to be replaced", 60*time.Second, func(ctx context.Context) error {
		if r, err := a.get(ctx, v, "/"); r.good(err) != nil {
			return fmt.Errorf("a call: %w", r.good(err))
		}
		for _, d := range a.status(v).Decisions {
			if d.Kind == service.KindReplace && d.Outcome == "applied" {
				return nil
			}
		}
		return fmt.Errorf("decisions %+v", a.status(v).Decisions)
	})
	d := a.wantDecision(v, service.KindReplace)
	t.Logf("after %s: %s", time.Since(began).Round(time.Second), d.Reason)
	if d.Alloc != sick || d.From != 2 || d.To != 2 || !strings.Contains(d.Reason, "Consul calls it critical") {
		t.Errorf("the decision: %+v, want one about %s", d, sick)
	}
	waitFor(t, "another instance in its place", 60*time.Second, func(ctx context.Context) error {
		allocs, err := allocations(ctx, v)
		if err != nil {
			return err
		}
		running := 0
		for _, x := range allocs {
			if x.ClientStatus == nomad.AllocClientStatusRunning && x.DesiredStatus == nomad.AllocDesiredStatusRun {
				running++
			}
			if x.ID == sick && x.DesiredStatus != nomad.AllocDesiredStatusStop {
				return fmt.Errorf("%s is still to %s", sick, x.DesiredStatus)
			}
		}
		if running != 2 || a.status(v).Load.Ready != 2 {
			return fmt.Errorf("%d run:%s", running, list(allocs))
		}
		return nil
	})
	wantCount(t, v, 2)
	allocs, err := allocations(t.Context(), v)
	if err != nil || len(allocs) != 3 {
		t.Errorf("%d instances were there in all, want 3 (%v):%s", len(allocs), err, list(allocs))
	}
	if said := a.do("policy", "explain", "Sick"); !strings.Contains(said, "is replaced: for") {
		t.Errorf("explain says nothing of it:\n%s", said)
	}
}

// getAt asks an instance itself.
func (a *agent) getAt(ctx context.Context, addr, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
