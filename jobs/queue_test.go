package jobs_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
)

func TestWhatTheMethodSaysEndsTheJob(t *testing.T) {
	k := newKit(t)
	for _, tt := range []struct {
		answer string
		state  service.JobState
		result string // or what the error says
	}{
		{`{"version": "1.1", "id": "1", "result": [1.50, {"a": "é"}]}`, service.JobDone, `[1.50, {"a": "é"}]`},
		{`{"result": null}`, service.JobDone, `[]`},
		{`{"error": null, "result": []}`, service.JobDone, `[]`},
		{`{"error": {"code": 17, "name": "N", "message": "no", "error": "more"}}`, service.JobFailed, "no"},
		{`{"jsonrpc": "2.0", "error": {"code": 17, "message": "no", "data": {"a": 1}}}`, service.JobFailed, "no"},
		{`{"id": 1}`, service.JobDead, "no JSON-RPC reply"},
		{`<html>`, service.JobDead, `"<html>"`},
		{``, service.JobDead, "no JSON-RPC reply"},
	} {
		k.gw.does(answers(tt.answer))
		job := k.ended(k.submit("A.once", "ada").ID)
		if job.State != tt.state || job.Attempts != 1 || job.Finished == nil {
			t.Errorf("%s: %+v", tt.answer, job)
			continue
		}
		if tt.state != service.JobDone {
			if !strings.Contains(job.Error.Message, tt.result) || !strings.Contains(job.Reason, tt.result) {
				t.Errorf("%s: %+v", tt.answer, job)
			}
			continue
		}
		r, err := k.q.Result(t.Context(), job.ID)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != tt.result || job.ResultSize != int64(len(tt.result)) {
			t.Errorf("%s: %q %v", tt.answer, text, err)
		}
	}
}

func TestAJobIsTriedAgainOnlyWhereThatIsSafe(t *testing.T) {
	k := newKit(t, func(o *jobs.Options) { o.Attempts = 2 })
	k.gw.does(loses)
	once := k.ended(k.submit("A.once", "").ID)
	if once.State != service.JobDead || once.Attempts != 1 || !strings.Contains(once.Reason, "the instance was lost") || !strings.Contains(once.Reason, "not declared idempotent") {
		t.Errorf("once: %+v", once)
	}
	again := k.ended(k.submit("A.again", "").ID)
	if again.State != service.JobDead || again.Attempts != 2 || again.Sends != 2 || again.Reason != "the instance was lost" {
		t.Errorf("again: %+v", again)
	}
	k.gw.does(func(ctx context.Context, c service.JobCall, _ io.Writer) (service.JobAnswer, error) {
		return service.JobAnswer{Sent: true, Late: true}, orElse(c.Sending(ctx), errors.New("did not answer in time"))
	})
	if late := k.ended(k.submit("A.again", "").ID); late.State != service.JobDead || late.Attempts != 1 {
		t.Errorf("late: %+v", late)
	}

	k.gw.does(answers(`{"result": [2]}`))
	if _, err := k.q.Redrive(t.Context(), once.ID, "root"); err != nil {
		t.Fatal(err)
	}
	if job := k.ended(once.ID); job.State != service.JobDone || job.Error != nil || job.Reason != "" {
		t.Errorf("sent back: %+v", job)
	}
	if _, err := k.q.Redrive(t.Context(), once.ID, "root"); !errors.Is(err, service.ErrConflict) {
		t.Errorf("a done job is sent back: %v", err)
	}
}

func TestWhatWasNotSentIsTriedAgainWhateverTheMethod(t *testing.T) {
	k := newKit(t)
	fails := 2
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		if fails--; fails >= 0 {
			return service.JobAnswer{After: 300 * time.Millisecond}, errors.New("the start failed: no node has a GPU")
		}
		return answers(`{"result": [1]}`)(ctx, c, to)
	})
	first := k.submit("A.once", "")
	waiting := k.until(first.ID, "put back", func(j service.CallJob) bool { return j.Reason != "" })
	if waiting.State != service.JobQueued || !strings.Contains(waiting.Reason, "no node has a GPU") || waiting.Due == nil {
		t.Errorf("put back: %+v", waiting)
	}
	if job := k.ended(first.ID); job.State != service.JobDone || job.Attempts != 3 || job.Sends != 1 {
		t.Errorf("in the end: %+v", job)
	}

	k.gw.does(func(context.Context, service.JobCall, io.Writer) (service.JobAnswer, error) {
		return service.JobAnswer{}, service.Errorf(service.ErrNotFound, "the module is gone")
	})
	if job := k.ended(k.submit("A.once", "").ID); job.State != service.JobDead || job.Attempts != 1 {
		t.Errorf("what can never run: %+v", job)
	}
}

func TestACancelledJobLetsGoOfItsInstance(t *testing.T) {
	k := newKit(t)
	left := make(chan struct{})
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		defer close(left)
		return holds(ctx, c, to)
	})
	job := k.submit("A.again", "ada")
	k.running(job.ID)
	cancelled, err := k.q.Cancel(t.Context(), job.ID, "ada")
	if err != nil || cancelled.State != service.JobCancelled {
		t.Fatal(cancelled, err)
	}
	<-left
	k.stop()
	k.gw.does(answers(`{"result": [1]}`))
	k.open()
	if again := k.ended(job.ID); again.State != service.JobCancelled || len(k.gw.made()) != 1 {
		t.Errorf("after all: %+v, %d calls", again, len(k.gw.made()))
	}
}

func TestAnAgentThatStopsGivesBackWhatIsSafe(t *testing.T) {
	k := newKit(t)
	k.gw.does(holds)
	again, once := k.submit("A.again", ""), k.submit("A.once", "")
	k.running(again.ID)
	k.running(once.ID)
	k.stop()
	k.gw.does(answers(`{"result": [1]}`))
	k.open()
	if job := k.ended(once.ID); job.State != service.JobDead || !strings.Contains(job.Reason, "the agent was stopped") {
		t.Errorf("once: %+v", job)
	}
	if job := k.ended(again.ID); job.State != service.JobDone || job.Attempts != 2 {
		t.Errorf("again: %+v", job)
	}
}

func TestModulesAndCallersTakeTurns(t *testing.T) {
	k := newKit(t, func(o *jobs.Options) { o.Running, o.ModuleRunning, o.CallerRunning = 3, 3, 2 })
	begun := make(chan string, 100)
	finish := make(chan struct{})
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		begun <- c.Module + " " + c.Caller.Name
		<-finish
		return answers(`{"result": [1]}`)(ctx, c, to)
	})
	for range 5 { // fills what ada may have
		k.submit("A.again", "ada")
	}
	first := []string{<-begun, <-begun}
	if !slices.Equal(first, []string{"A ada", "A ada"}) {
		t.Errorf("first %v", first)
	}
	k.submit("A.again", "grace")
	if got := <-begun; got != "A grace" {
		t.Errorf("the third is %s: ada has two, and grace waits", got)
	}
	for range 3 {
		k.submit("B.again", "joan")
	}
	finish <- struct{}{}
	if got := <-begun; got != "B joan" {
		t.Errorf("the next is %s: A has two, and B none", got)
	}
	close(finish)
}

// One address without a token cannot take what all callers without one may have.
func TestJobsWithoutATokenHaveTheLimitsOfTheirAddress(t *testing.T) {
	k := newKit(t, func(o *jobs.Options) { o.CallerRunning, o.CallerOpen, o.AddressOpen = 1, 9, 2 })
	begun := make(chan struct{}, 9)
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		begun <- struct{}{}
		return holds(ctx, c, to)
	})
	from := func(addr string) error {
		_, _, err := k.q.Submit(t.Context(), jobs.Submission{JobRequest: service.JobRequest{Module: "A", Method: "again", Peer: service.Peer{Addr: addr}}})
		return err
	}
	for _, addr := range []string{"2001:db8::1", "2001:db8::2"} { // one household
		if err := from(addr); err != nil {
			t.Fatal(err)
		}
	}
	<-begun
	if err := from("2001:db8::3"); !errors.Is(err, service.ErrLimited) || !strings.Contains(err.Error(), "your address has 2 call jobs") {
		t.Errorf("a third: %v", err)
	}
	if err := from("192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	<-begun // it runs though a job of the first, submitted earlier, waits
	if n := len(k.gw.made()); n != 2 {
		t.Errorf("%d run", n)
	}
}

func TestALargeResultIsAFileForAsLongAsItsJob(t *testing.T) {
	k := newKit(t, func(o *jobs.Options) { o.Keep = time.Nanosecond })
	big := `["` + strings.Repeat(`ACGT\"]}`, 3<<20) + `"]`
	k.gw.does(answers(`{"id": {"result": [0]}, "result": ` + big + `, "version": "1.1"}`))
	job := k.ended(k.submit("A.once", "").ID)
	if job.State != service.JobDone || job.ResultSize != int64(len(big)) {
		t.Fatalf("%+v", job)
	}
	r, err := k.q.Result(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != big {
		t.Errorf("%d bytes came back of %d: %v", len(text), len(big), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	files := func() int {
		all, err := filepath.Glob(filepath.Join(k.dir, "jobs", "results", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := files(); n != 1 {
		t.Errorf("%d files", n)
	}
	k.stop()
	if err := os.WriteFile(filepath.Join(k.dir, "jobs", "results", "gone.1.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k.open(func(o *jobs.Options) { o.Keep = time.Nanosecond }) // forgets at its start
	k.until0(files)
}

// until0 waits until there is nothing left.
func (k *kit) until0(count func() int) {
	k.t.Helper()
	tick, late := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for count() > 0 {
		select {
		case <-tick.C:
		case <-late:
			k.t.Fatalf("%d are left", count())
		}
	}
}

func TestSecretsAreSealedAndGoWithTheJob(t *testing.T) {
	k := newKit(t)
	finish := make(chan struct{})
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		<-finish
		return answers(`{"result": [1]}`)(ctx, c, to)
	})
	job := k.submit("A.once", "the-secret-of ada")
	bytes := func() string {
		text := ""
		for _, name := range []string{"dynsvc.db", "dynsvc.db-wal"} {
			part, err := os.ReadFile(filepath.Join(k.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			text += string(part)
		}
		return text
	}
	if text := bytes(); strings.Contains(text, "the-secret-of") || !strings.Contains(text, job.ID) {
		t.Error("the token can be read in the database, or the job is not there")
	}
	close(finish)
	k.ended(job.ID)
	if calls := k.gw.made(); calls[0].Authorization != "the-secret-of ada" {
		t.Errorf("the module got %q", calls[0].Authorization)
	}
}

func TestWaitEndsWithAnyChange(t *testing.T) {
	k := newKit(t)
	calls := make(chan service.JobCall, 1)
	k.gw.does(func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		calls <- c
		return holds(ctx, c, to)
	})
	job := k.submit("A.once", "")
	k.running(job.ID)
	waited := make(chan service.CallJob, 1)
	go func() {
		j, err := k.q.Wait(context.Background(), job.ID, time.Minute)
		if err != nil {
			t.Error(err)
		}
		waited <- j
	}()
	report := (<-calls).Progress
	secret := report[strings.LastIndexByte(report, '/')+1:]
	half, said := 0.5, strings.Repeat("é", 600)
	for {
		if err := k.q.Report(job.ID, secret, &half, &said); err != nil {
			t.Fatal(err)
		}
		select {
		case j := <-waited:
			if j.Progress == nil || *j.Progress != half || len(*j.Message) != 1000 {
				t.Errorf("waited for %+v", j)
			}
			if err := k.q.Report(job.ID, "guess", &half, nil); !errors.Is(err, service.ErrNotFound) {
				t.Errorf("anybody may report: %v", err)
			}
			return
		case <-time.After(10 * time.Millisecond): // it had not begun to wait
		}
	}
}
