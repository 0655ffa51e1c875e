package jobs_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
)

// Jobs that failed together do not come again together.
func TestPausesDoubleAndAreSpread(t *testing.T) {
	longest := time.Duration(0)
	for tries := range 40 {
		least, most, seen := time.Duration(1<<62), time.Duration(0), map[time.Duration]bool{}
		for range 200 {
			d := jobs.Backoff(tries)
			least, most = min(least, d), max(most, d)
			seen[d] = true
		}
		if least <= 0 || most > 2*least || len(seen) < 100 {
			t.Errorf("after %d tries: from %s to %s, %d different ones", tries, least, most, len(seen))
		}
		if most < longest/2 {
			t.Errorf("after %d tries: %s, less than before", tries, most)
		}
		longest = max(longest, most)
	}
	if longest > time.Hour {
		t.Errorf("a pause of %s", longest)
	}
}

// An attempt stays its agent's for as long as the agent is heard of, and ends when
// it is no longer.
func TestAnAttemptLastsAsLongAsItsLeaseIsRenewed(t *testing.T) {
	const lease = 150 * time.Millisecond
	k := newKit(t, func(o *jobs.Options) { o.Lease = lease })
	began, ended := make(chan struct{}), make(chan error, 1)
	k.gw.does(func(ctx context.Context, c service.JobCall, _ io.Writer) (service.JobAnswer, error) {
		if err := c.Sending(ctx); err != nil {
			return service.JobAnswer{}, err
		}
		close(began)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return service.JobAnswer{Sent: true}, ctx.Err()
	})
	job := k.submit("A.once", "")
	<-began
	first := time.Now().Add(lease) // no lease of before lasts longer
	left := func() bool {
		t.Helper()
		all, err := k.db.LeftCallJobs(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		return len(all) > 0
	}
	k.until(job.ID, "kept", func(j service.CallJob) bool { return j.State == service.JobRunning && !left() })
	select {
	case err := <-ended:
		t.Fatalf("the attempt ended: %v", err)
	default:
	}
	// Somebody else ends the job, past this agent.
	if _, _, err := k.db.CancelCallJob(t.Context(), job.ID, "another agent", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the attempt ended without a reason")
	}
	if job := k.ended(job.ID); job.State != service.JobCancelled {
		t.Errorf("%+v", job)
	}
}
