//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// TestRegisteringAgainNeverChangesACount registers what runs: the same files, a
// new version beside it, and the same files under settings that change the job.
func TestRegisteringAgainNeverChangesACount(t *testing.T) {
	t.Parallel()
	const instances = 2
	a := newAgent(t, plain)
	m := program("Again", "", "max = 3\n idle_after = \"5m\"")
	v := a.register(m)
	a.do("scale", "Again@dev", fmt.Sprint(instances))
	waitFor(t, "both instances to answer", 20*time.Second, func(context.Context) error {
		if d := a.status(v); d.Ready != instances {
			return fmt.Errorf("%d of %d are ready", d.Ready, d.Count)
		}
		return nil
	})
	before, running := job(t, v), runs(t, v)

	if again := a.register(m); again.ID != v.ID {
		t.Errorf("the same files were registered as %s and as %s", v.ID, again.ID)
	}
	if after := job(t, v); *after.JobModifyIndex != *before.JobModifyIndex {
		t.Errorf("the same files changed the job: index %d, then %d", *before.JobModifyIndex, *after.JobModifyIndex)
	}

	m.version = "1.1.0"
	newer := a.register(m)
	if newer.ID == v.ID {
		t.Fatalf("two versions are one service, %s", v.ID)
	}
	wantCount(t, newer, 0)
	wantCount(t, v, instances)
	if got := runs(t, v); !slices.Equal(got, running) {
		t.Errorf("instances = %v, want the same as before %v", got, running)
	}
	s, _ := a.calls(newer)
	if s.Facts.Version != "1.1.0" {
		t.Errorf("the new version is answered by %s", s.Facts.Version)
	}
	wantCount(t, v, instances)

	// Other settings make another job of the same version.
	a.kill()
	a.configure(strings.Replace(plain, "mesh ", "datacenters = [\"dc1\"]\n mesh ", 1))
	a.start()
	m.version = ""
	a.register(m)
	waitFor(t, "the job to be changed", 10*time.Second, func(context.Context) error {
		if j := job(t, v); !slices.Equal(j.Datacenters, []string{"dc1"}) {
			return fmt.Errorf("its datacenters are %v", j.Datacenters)
		}
		return nil
	})
	wantCount(t, v, instances)
	a.calls(v)
}

// runs are the ids of the instances that run or are about to, sorted.
func runs(t *testing.T, v service.Version) []string {
	t.Helper()
	allocs, err := allocations(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range allocs {
		if a.DesiredStatus == nomad.AllocDesiredStatusRun &&
			(a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending) {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
