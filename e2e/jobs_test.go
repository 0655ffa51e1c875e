//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// TestCallJobs follows calls that run as jobs: through a cold start, an instance
// and an agent that die, and a cancel.
func TestCallJobs(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	m := program("CallJobs", "", `idle_after = "1m"`)
	m.more = `method "again" {
    mode        = "both"
    job_timeout = "5m"
    idempotent  = true
  }
  method "once" {
    mode        = "async"
    job_timeout = "5m"
  }`
	v := a.register(m)

	cold := a.submit(v, "once", 1500)
	half := a.job(cold.ID, "half way", func(j server.JobView) bool { return j.Progress != nil && *j.Progress == 0.5 })
	if half.State != service.JobRunning || half.Message == nil || *half.Message != "half way" {
		t.Errorf("half way the job is %+v", half)
	}
	if done := a.jobEnded(cold.ID); done.State != service.JobDone || done.Attempts != 1 || !bytes.Contains(done.Result, []byte("1500")) {
		t.Errorf("in the end it is %+v with %s", done, done.Result)
	}

	// An instance dies under two jobs: the one that may run twice does.
	again, once := a.submit(v, "again", 3000), a.submit(v, "once", 3000)
	a.jobRuns(again.ID)
	a.jobRuns(once.ID)
	_, _ = a.get(t.Context(), v, "/die") // nobody is left to answer
	if j := a.jobEnded(once.ID); j.State != service.JobDead || j.Attempts != 1 || !strings.Contains(j.Reason, "not declared idempotent") {
		t.Errorf("what must not run twice is %+v", j)
	}
	if j := a.jobEnded(again.ID); j.State != service.JobDone { // in the same attempt, if the gateway finds another instance in time
		t.Errorf("what may run twice is %+v", j)
	}
	if out := a.do("jobs", "list", "-state", "dead"); !strings.Contains(out, once.ID) {
		t.Errorf("the dead list lacks %s:\n%s", once.ID, out)
	}
	a.do("jobs", "redrive", once.ID)
	if j := a.jobEnded(once.ID); j.State != service.JobDone {
		t.Errorf("sent back it is %+v", j)
	}

	// So does the agent.
	again, once = a.submit(v, "again", 3000), a.submit(v, "once", 3000)
	a.jobRuns(again.ID)
	a.jobRuns(once.ID)
	a.kill()
	a.start()
	if j := a.jobEnded(once.ID); j.State != service.JobDead || !strings.Contains(j.Reason, "the agent died") {
		t.Errorf("what must not run twice is %+v", j)
	}
	if j := a.jobEnded(again.ID); j.State != service.JobDone || j.Attempts != 2 {
		t.Errorf("what may run twice is %+v", j)
	}

	long := a.submit(v, "again", 120_000)
	a.jobRuns(long.ID)
	a.do("jobs", "cancel", long.ID)
	if j := a.jobEnded(long.ID); j.State != service.JobCancelled {
		t.Errorf("cancelled it is %+v", j)
	}
	waitFor(t, "the instance to be free of the cancelled job", 30*time.Second, func(context.Context) error {
		if n := a.status(v).Load.InFlight; n != 0 {
			return fmt.Errorf("%d calls are in flight", n)
		}
		return nil
	})
}

// submit makes a job of a call that takes so many milliseconds.
func (a *agent) submit(v service.Version, method string, ms int) server.JobView {
	a.t.Helper()
	j, err := a.askJob(a.t.Context(), http.MethodPost,
		fmt.Sprintf("/api/v1/modules/%s/versions/%s/methods/%s/jobs", v.Module, v.ID, method), fmt.Sprintf(`{"params": [%d]}`, ms))
	if err != nil {
		a.t.Fatalf("submit %s: %v", method, err)
	}
	return j
}

func (a *agent) askJob(ctx context.Context, method, path, text string) (j server.JobView, err error) {
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(text))
	if err != nil {
		return j, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return j, err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return j, err
	}
	if res.StatusCode/100 != 2 {
		return j, fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return j, json.Unmarshal(body, &j)
}

// job waits until a job is as it should be.
func (a *agent) job(id, what string, fits func(server.JobView) bool) (j server.JobView) {
	a.t.Helper()
	waitFor(a.t, "job "+id+" to be "+what, 2*time.Minute, func(ctx context.Context) (err error) {
		if j, err = a.askJob(ctx, http.MethodGet, "/api/v1/jobs/"+id+"?wait=1s", ""); err == nil && !fits(j) {
			err = fmt.Errorf("it is %+v", j.CallJob)
		}
		return err
	})
	return j
}

func (a *agent) jobEnded(id string) server.JobView {
	a.t.Helper()
	return a.job(id, "ended", func(j server.JobView) bool { return j.State.Finished() })
}

func (a *agent) jobRuns(id string) {
	a.t.Helper()
	a.job(id, "half way", func(j server.JobView) bool { return j.Progress != nil && *j.Progress == 0.5 })
}
