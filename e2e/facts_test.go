//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/e2e/cluster"
	"github.com/dynsvc/dynsvc/service"
)

// waitFor waits for a fact and fails the test with the last error.
func waitFor(t *testing.T, what string, limit time.Duration, f func(context.Context) error) {
	t.Helper()
	if err := cluster.WaitFor(t.Context(), what, limit, f); err != nil {
		t.Fatal(err)
	}
}

// job is a service's job as Nomad has it.
func job(t *testing.T, v service.Version) *nomad.Job {
	t.Helper()
	j, _, err := servers.Nomad.Jobs().Info(string(v.ID), query(t.Context()))
	if err != nil {
		t.Fatalf("job of %s: %v", v.Module, err)
	}
	return j
}

// count is the wanted number of instances as Nomad has it.
func count(ctx context.Context, v service.Version) (int, error) {
	j, _, err := servers.Nomad.Jobs().Info(string(v.ID), query(ctx))
	if err != nil {
		return 0, err
	}
	return *j.TaskGroups[0].Count, nil
}

func wantCount(t *testing.T, v service.Version, want int) {
	t.Helper()
	got, err := count(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("count of %s in Nomad = %d, want %d", v.Module, got, want)
	}
}

// allocations are all that the job ever had.
func allocations(ctx context.Context, v service.Version) ([]*nomad.AllocationListStub, error) {
	allocs, _, err := servers.Nomad.Jobs().Allocations(string(v.ID), false, query(ctx))
	return allocs, err
}

// wantOneAllocation checks that a service was started once, ever, and returns
// the allocation.
func wantOneAllocation(t *testing.T, v service.Version) *nomad.AllocationListStub {
	t.Helper()
	allocs, err := allocations(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if len(allocs) != 1 {
		t.Fatalf("%s has had %d allocations, want 1:%s", v.Module, len(allocs), list(allocs))
	}
	return allocs[0]
}

func list(allocs []*nomad.AllocationListStub) string {
	var b strings.Builder
	for _, a := range allocs {
		fmt.Fprintf(&b, "\n  %s on %s: %s, desired %s", a.Name, a.NodeName, a.ClientStatus, a.DesiredStatus)
	}
	return b.String()
}

// emptied is nil when nothing of a service runs and nothing is wanted.
func emptied(ctx context.Context, v service.Version) error {
	n, err := count(ctx, v)
	if err != nil {
		return err
	}
	if n != 0 {
		return fmt.Errorf("its count is %d", n)
	}
	allocs, err := allocations(ctx, v)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(allocs, func(a *nomad.AllocationListStub) bool {
		return a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending
	}) {
		return errors.New("instances are left:" + list(allocs))
	}
	return nil
}

// goesIdle waits until nothing of a service runs because nobody called it.
func (a *agent) goesIdle(v service.Version) {
	a.t.Helper()
	waitFor(a.t, v.Module+" to go back to zero", 40*time.Second, func(ctx context.Context) error { return emptied(ctx, v) })
}

// wantDecision returns the newest decision of a kind.
func (a *agent) wantDecision(v service.Version, kind service.Kind) service.Decision {
	a.t.Helper()
	var found service.Decision
	waitFor(a.t, fmt.Sprintf("a decision of kind %s about %s", kind, v.Module), 10*time.Second, func(context.Context) error {
		all := a.status(v).Decisions
		i := slices.IndexFunc(all, func(d service.Decision) bool { return d.Kind == kind && d.Outcome != "" })
		if i < 0 {
			return fmt.Errorf("there are %+v", all)
		}
		found = all[i]
		return nil
	})
	return found
}

// purge removes a job and all that Nomad keeps of it.
func purge(t *testing.T, id service.ID) {
	if _, _, err := servers.Nomad.Jobs().Deregister(string(id), true, nil); err != nil {
		t.Errorf("remove job %s: %v", id, err)
	}
}

func query(ctx context.Context) *nomad.QueryOptions { return (&nomad.QueryOptions{}).WithContext(ctx) }

var serverTiming = regexp.MustCompile(`^place;dur=[0-9.]+, start;dur=[0-9.]+, ready;dur=[0-9.]+$`)

// wantColdStart checks that an answer tells how the start went.
func wantColdStart(t *testing.T, r answer) {
	t.Helper()
	if got := r.header.Get("Server-Timing"); !serverTiming.MatchString(got) {
		t.Errorf("Server-Timing of a cold call = %q, want %s", got, serverTiming)
	}
}
