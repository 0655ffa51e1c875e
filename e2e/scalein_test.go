//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// TestScaleInStopsTheInstancesThatWereDrained lowers a count under load, after an
// instance in the middle was replaced: Nomad has to stop the very ones that the
// gateway has emptied, or a call is lost.
func TestScaleInStopsTheInstancesThatWereDrained(t *testing.T) {
	t.Parallel()
	const callers = 12
	a := newAgent(t, plain)
	v := a.register(program("ScaledIn", "", "max = 4\n idle_after = \"5m\"\n max_concurrency = 100"))
	a.calls(v)
	a.do("scale", "ScaledIn", "4")
	ready := func(want int) func(context.Context) error {
		return func(context.Context) error {
			if d := a.status(v); d.Ready != want || len(d.State.Endpoints) != want {
				return fmt.Errorf("%d are ready of %+v", d.Ready, d.State.Endpoints)
			}
			return nil
		}
	}
	waitFor(t, "four instances", 60*time.Second, ready(4))
	before := byIndex(a.status(v).State.Endpoints)
	middle, _, err := servers.Nomad.Allocations().Info(before[1], query(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := servers.Nomad.Allocations().Stop(middle, query(t.Context())); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the one in the middle to be replaced", 60*time.Second, func(ctx context.Context) error {
		if err := ready(4)(ctx); err != nil {
			return err
		}
		if now := byIndex(a.status(v).State.Endpoints); now[1] == before[1] {
			return fmt.Errorf("index 1 is still %s", now[1])
		}
		return nil
	})
	replaced := byIndex(a.status(v).State.Endpoints)

	ctx, calm := context.WithCancel(t.Context())
	var group sync.WaitGroup
	failed := make(chan error, callers)
	for i := range callers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r, err := a.get(t.Context(), v, "/slow?ms=500") // outlives the while
				if err := r.good(err); err != nil {
					failed <- fmt.Errorf("call %d of caller %d: %w", n, i, err)
					return
				}
			}
		})
	}
	a.do("scale", "ScaledIn", "2")
	waitFor(t, "two instances", 60*time.Second, ready(2))
	calm()
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	allocs, err := allocations(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	// What Nomad stopped for the count, and nothing else: an instance that ended by
	// itself has another where it was.
	const unneeded = "alloc not needed due to job update"
	stopped, kept := map[int]string{}, map[int]int{}
	for _, alloc := range allocs {
		t.Logf("%s: wanted %s (%s), is %s", alloc.Name, alloc.DesiredStatus, alloc.DesiredDescription, alloc.ClientStatus)
		switch {
		case alloc.DesiredStatus == nomad.AllocDesiredStatusRun:
			kept[index(t, alloc.Name)]++
		case alloc.DesiredDescription == unneeded:
			stopped[index(t, alloc.Name)] = alloc.ID
		}
	}
	if want := map[int]int{0: 1, 1: 1}; !maps.Equal(kept, want) {
		t.Errorf("Nomad keeps %v, want one instance each of the indexes 0 and 1", kept)
	}
	if len(stopped) != 2 || stopped[2] != replaced[2] || stopped[3] != replaced[3] {
		t.Errorf("Nomad stopped %v, want indexes 2 and 3 of %v", stopped, replaced)
	}
	if r, err := a.get(t.Context(), v, "/"); err != nil || r.status != http.StatusOK {
		t.Errorf("a call in the end: %d, %v", r.status, err)
	}
}

// index is the number in an allocation's name, job.group[number].
func index(t *testing.T, name string) int {
	t.Helper()
	_, number, _ := strings.Cut(name, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
	if err != nil {
		t.Fatalf("allocation %q: %v", name, err)
	}
	return n
}

// byIndex is the allocations by their index.
func byIndex(endpoints []service.Endpoint) map[int]string {
	all := map[int]string{}
	for _, e := range endpoints {
		all[e.Index] = e.Alloc
	}
	return all
}
