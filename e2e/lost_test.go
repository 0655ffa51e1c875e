//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

// TestABuildOnANodeThatIsLostSaysSo kills the client that runs a build: the registration
// ends with that reason, and the next one, when the node is back, with the image.
func TestABuildOnANodeThatIsLostSaysSo(t *testing.T) {
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	const job, node = "build-lost", "nomad-highmem"
	a := newAgent(t, builders(job, ""))
	t.Cleanup(func() { forgetRuns(t, job) })
	repo := newRepository(t, dockerfile(t, "Lost_build", "FROM python:3-slim\nRUN sleep 50\nCOPY echo /\nENTRYPOINT [\"/echo\"]\n"))
	repo.commit("first")
	p := a.pull(repo.url)
	waitFor(t, "the build to run", time.Minute, func(context.Context) error {
		if _, log := a.pulled(p.ID); !strings.Contains(log, "RUN sleep 50") {
			return fmt.Errorf("its log is %q", log)
		}
		return nil
	})
	if err := servers.Kill(node); err != nil {
		t.Fatal(err)
	}
	back := false
	bring := func() {
		t.Helper()
		if !back {
			back = true
			if err := servers.StartProcess(context.WithoutCancel(t.Context()), node); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(bring) // later tests need it, also if this one fails
	waitFor(t, "the registration to end", 3*time.Minute, func(context.Context) error {
		if p, _ = a.pulled(p.ID); p.State != store.PullFailed {
			return fmt.Errorf("it is %s", p.State)
		}
		return nil
	})
	if !strings.Contains(p.Error, "the image was not built: the node ") || !strings.Contains(p.Error, "was lost: register it again") {
		t.Errorf("it failed with %q", p.Error)
	}
	if left := runsOf(t, job); len(left) > 0 {
		t.Errorf("runs are left: %+v", left)
	}
	bring()
	change(t, repo.dir, "Dockerfile", "sleep 50", "true")
	repo.commit("second")
	a.do("register", "-git", repo.url)
	a.calls(a.dev("Lost_build"))
}
