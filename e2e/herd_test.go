//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestManyCallsAtOnceStartOneInstance is the herd: all callers of a cold service
// are answered, and by one instance that was started once.
func TestManyCallsAtOnceStartOneInstance(t *testing.T) {
	t.Parallel()
	const callers = 200
	a := newAgent(t, meshed())
	v := a.register(container(t, "Herd", "", "max = 5\n concurrency = 10\n idle_after = \"1m\""))
	wantCount(t, v, 0)

	began := time.Now()
	var g errgroup.Group
	for i := range callers {
		g.Go(func() error {
			s, _, err := a.said(t.Context(), v, i)
			if err != nil {
				return fmt.Errorf("call %d: %w", i, err)
			}
			if len(s.Params) != 1 || string(s.Params[0]) != strconv.Itoa(i) {
				text, _ := json.Marshal(s.Params) // of what was decoded from JSON
				return fmt.Errorf("call %d got the answer of another: %s", i, text)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d calls answered after %s", callers, time.Since(began))
	wantOneAllocation(t, v)
	wantCount(t, v, 1)
	if s, _ := a.calls(v); s.Facts.Calls != callers+1 {
		t.Errorf("the instance has answered %d calls, want %d", s.Facts.Calls, callers+1)
	}
}
