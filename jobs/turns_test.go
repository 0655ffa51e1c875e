package jobs_test

import (
	"context"
	"io"
	"maps"
	"testing"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
)

// One claim of many jobs shares the places as if they were claimed one by one.
func TestABacklogIsSharedOutFairly(t *testing.T) {
	k := newKit(t)
	k.stop()
	for call, callers := range map[string][]string{"A.again": {"ada", "ada", "ada", "ada", "grace", "grace"}, "B.again": {"joan", "joan", "joan"}} {
		for _, caller := range callers {
			k.submit(call, caller)
		}
	}
	begun := make(chan string, 20)
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		begun <- c.Module + " " + c.Caller.Name
		return holds(ctx, c, to)
	})
	k.open(func(o *jobs.Options) { o.Running, o.ModuleRunning, o.CallerRunning = 6, 3, 2 })
	got := map[string]int{}
	for range 5 {
		got[<-begun]++
	}
	want := map[string]int{"A ada": 2, "A grace": 1, "B joan": 2}
	if !maps.Equal(got, want) {
		t.Errorf("began %v, want %v", got, want)
	}
}
