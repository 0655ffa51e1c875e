package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// populateJobs leaves a job in each table of jobs.
func populateJobs(t testing.TB, db *store.DB, v service.Version) {
	t.Helper()
	ctx := t.Context()
	n := newJob("done", v, "ada")
	n.Key, n.Digest, n.CallbackURL, n.CallbackSecret = "key", []byte{1}, "https://example.org/hook", []byte{2}
	_, _, err := db.AddCallJob(ctx, n)
	check(t, err, nil)
	claimed := claim(t, db, v)
	check(t, db.SendCallJob(ctx, "done", claimed.Attempts), nil)
	check(t, db.FinishCallJob(ctx, "done", store.JobEnd{Attempt: 1, State: service.JobDone, Result: []byte(`[1]`), Bytes: 3}, epoch.Add(time.Second)), nil)
	_, _, err = db.AddCallJob(ctx, newJob("queued", v, "grace"))
	check(t, err, nil)
}

// verifyJobs reads back what populateJobs left.
func verifyJobs(t testing.TB, db *store.DB) {
	t.Helper()
	v := version("A", "1.0.0", 1)
	ctx := t.Context()
	list, err := db.CallJobs(ctx, store.JobFilter{})
	check(t, err, nil)
	one := 1.0
	started, finished := epoch, epoch.Add(time.Second)
	equal(t, list, []store.ListedJob{
		{Seq: 2, CallJob: service.CallJob{ID: "queued", State: service.JobQueued, Module: v.Module, Service: v.ID, Version: v.Version,
			Method: "filter_contigs", Caller: "grace", Submitted: epoch}},
		{Seq: 1, CallJob: service.CallJob{ID: "done", State: service.JobDone, Module: v.Module, Service: v.ID, Version: v.Version,
			Method: "filter_contigs", Caller: "ada", Submitted: epoch, Started: &started, Finished: &finished, Attempts: 1, Sends: 1,
			Progress: &one, ResultSize: 3, Callback: &service.JobCallback{URL: "https://example.org/hook", State: service.CallbackDue}}},
	})
	result, file, err := db.CallJobResult(ctx, "done")
	check(t, err, nil)
	equal(t, string(result), "[1]")
	equal(t, file, false)
	due, err := db.DueCallbacks(ctx, epoch.Add(time.Minute), 10)
	check(t, err, nil)
	if len(due) != 1 || due[0].Job.ID != "done" || len(due[0].Secret) != 1 {
		t.Errorf("due callbacks %+v", due)
	}
}

func newJob(id string, v service.Version, caller string) store.NewCallJob {
	return store.NewCallJob{Payer: caller, Params: []byte(`[{"min_length": 5}]`), Secrets: []byte("sealed"),
		Job: service.CallJob{ID: id, Module: v.Module, Service: v.ID, Method: "filter_contigs", Caller: caller, Submitted: epoch}}
}

func claim(t testing.TB, db *store.DB, v service.Version) store.ClaimedJob {
	t.Helper()
	taken := claims(t, db, 1, store.Claim{Modules: []string{service.ModuleKey(v.Module)}})
	if len(taken) == 0 {
		t.Fatal("there is nothing to claim")
	}
	return taken[0]
}

// claims claims at most so many jobs.
func claims(t testing.TB, db *store.DB, most int, c store.Claim) []store.ClaimedJob {
	t.Helper()
	taken, err := db.ClaimCallJobs(t.Context(), store.Claims{Agent: "me", Now: epoch, Until: epoch.Add(time.Minute),
		Next: func(taken []store.ClaimedJob) (store.Claim, bool) { return c, len(taken) < most }})
	check(t, err, nil)
	return taken
}

func addJobs(t testing.TB, db *store.DB, jobs ...store.NewCallJob) {
	t.Helper()
	for _, n := range jobs {
		_, isNew, err := db.AddCallJob(t.Context(), n)
		check(t, err, nil)
		if !isNew {
			t.Fatalf("job %s is not new", n.Job.ID)
		}
	}
}

func TestAKeyStandsForOneJobOfItsCaller(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1))
	keyed := func(id, caller string, digest byte) store.NewCallJob {
		n := newJob(id, v, caller)
		n.Key, n.Digest = "k", []byte{digest}
		return n
	}
	addJobs(t, db, keyed("1", "ada", 1), keyed("2", "grace", 2))
	job, isNew, err := db.AddCallJob(t.Context(), keyed("3", "ada", 1))
	check(t, err, nil)
	if isNew || job.ID != "1" {
		t.Errorf("job %s, new %t", job.ID, isNew)
	}
	_, _, err = db.AddCallJob(t.Context(), keyed("4", "ada", 9))
	check(t, err, service.ErrConflict, "Idempotency-Key", "call job 1")
}

func TestLimitsCountWhatIsNotFinished(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)), save(t, db, version("B", "1.0.0", 2))
	limited := func(id string, v service.Version, caller string) store.NewCallJob {
		n := newJob(id, v, caller)
		n.PayerLimit, n.ModuleLimit = 2, 3
		return n
	}
	addJobs(t, db, limited("1", a, "ada"), limited("2", b, "ada"))
	_, _, err := db.AddCallJob(t.Context(), limited("3", a, "ada"))
	check(t, err, service.ErrLimited, "2 call jobs")
	addJobs(t, db, limited("4", a, "grace"), limited("5", a, "joan"))
	_, _, err = db.AddCallJob(t.Context(), limited("6", a, "mary"))
	check(t, err, service.ErrUnavailable, "3 call jobs queued")
	if _, changed, err := db.CancelCallJob(t.Context(), "1", "ada", epoch); err != nil || !changed {
		t.Fatal(changed, err)
	}
	addJobs(t, db, limited("7", a, "ada"))
}

// Jobs of nobody known are counted, and take turns, by where they come from.
func TestJobsWithoutACallerAreToldApartByTheirPayer(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1))
	from := func(id, addr string) store.NewCallJob {
		n := newJob(id, v, "")
		n.Payer, n.PayerLimit = "from "+addr, 2
		return n
	}
	addJobs(t, db, from("1", "192.0.2.1"), from("2", "192.0.2.1"))
	_, _, err := db.AddCallJob(t.Context(), from("3", "192.0.2.1"))
	check(t, err, service.ErrLimited, "your address has 2 call jobs", "send a token")
	addJobs(t, db, from("4", "192.0.2.2"))
	taken := claims(t, db, 9, store.Claim{Modules: []string{"a"}, Payers: []string{"from 192.0.2.1"}})
	if len(taken) != 1 || taken[0].ID != "4" || taken[0].Payer != "from 192.0.2.2" || taken[0].Caller != "" {
		t.Errorf("claimed %+v", taken)
	}
}

func TestClaimsAreInOrderAndLeaveOutWhoHasEnough(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)), save(t, db, version("A", "1.1.0", 2))
	addJobs(t, db, newJob("1", a, "ada"), newJob("2", b, "grace"), newJob("3", a, "grace"), newJob("4", a, "joan"))
	next := func(c store.Claim) string {
		t.Helper()
		c.Modules = []string{"a"}
		taken := claims(t, db, 1, c)
		if len(taken) == 0 {
			return ""
		}
		job := taken[0]
		if job.State != service.JobRunning || job.Attempts != 1 || string(job.Params) != `[{"min_length": 5}]` || string(job.Secrets) != "sealed" {
			t.Errorf("claimed %+v", job)
		}
		return job.ID
	}
	equal(t, next(store.Claim{Payers: []string{"ada"}, Services: []service.ID{b.ID}}), "3")
	equal(t, next(store.Claim{}), "1")
	equal(t, next(store.Claim{Services: []service.ID{a.ID}}), "2")
	equal(t, next(store.Claim{Payers: []string{"joan"}}), "")
	equal(t, next(store.Claim{}), "4")

	check(t, db.RequeueCallJob(t.Context(), "1", store.Requeue{Attempt: 1, Due: epoch.Add(time.Hour), Reason: "why"}), nil)
	equal(t, next(store.Claim{}), "")
	keys, due, err := db.QueuedModules(t.Context(), epoch)
	check(t, err, nil)
	equal(t, keys, []string(nil))
	equal(t, due, epoch.Add(time.Hour))
	keys, _, err = db.QueuedModules(t.Context(), epoch.Add(time.Hour))
	check(t, err, nil)
	equal(t, keys, []string{"a"})
}

// One transaction claims many, and goes on to the next module where one has no more.
func TestManyAreClaimedAtOnce(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)), save(t, db, version("B", "1.0.0", 2))
	idempotent := newJob("3", b, "joan")
	idempotent.Job.Idempotent = true
	addJobs(t, db, newJob("1", a, "ada"), newJob("2", a, "grace"), idempotent, newJob("4", b, "ada"), newJob("5", b, "mary"))
	ids := func(taken []store.ClaimedJob) (ids []string) {
		for _, job := range taken {
			ids = append(ids, job.ID)
			sends := 0
			if job.Idempotent {
				sends = 1
			}
			if job.State != service.JobRunning || job.Attempts != 1 || job.Sends != sends {
				t.Errorf("claimed %+v", job)
			}
		}
		return ids
	}
	c := store.Claim{Modules: []string{"a", "none", "b"}, Payers: []string{"ada"}}
	equal(t, ids(claims(t, db, 2, c)), []string{"2", "3"})
	equal(t, ids(claims(t, db, 9, c)), []string{"5"})
	equal(t, ids(claims(t, db, 9, c)), []string(nil))
	equal(t, ids(claims(t, db, 9, store.Claim{Modules: []string{"b", "a"}})), []string{"4", "1"})
	// What was not sent after all is not counted.
	check(t, db.RequeueCallJob(t.Context(), "3", store.Requeue{Attempt: 1, Due: epoch, Unsent: true}), nil)
	job, err := db.CallJob(t.Context(), "3")
	check(t, err, nil)
	equal(t, job.Sends, 0)
}

func TestOnlyTheAttemptThatRunsChangesAJob(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1))
	addJobs(t, db, newJob("1", v, "ada"))
	ctx := t.Context()
	claim(t, db, v)
	check(t, db.SendCallJob(ctx, "1", 1), nil)
	left, err := db.LeftCallJobs(ctx, epoch.Add(2*time.Minute))
	check(t, err, nil)
	if len(left) != 1 || !left[0].Sent || left[0].Sends != 1 {
		t.Fatalf("left %+v", left)
	}
	check(t, db.RequeueCallJob(ctx, "1", store.Requeue{Attempt: 1, Due: epoch, Reason: "the agent died"}), nil)
	second := claim(t, db, v)
	equal(t, second.Attempts, 2)

	end := store.JobEnd{Attempt: 1, State: service.JobDone, Result: []byte("[1]"), Bytes: 3}
	for _, err := range []error{db.SendCallJob(ctx, "1", 1), db.RequeueCallJob(ctx, "1", store.Requeue{Attempt: 1}), db.FinishCallJob(ctx, "1", end, epoch)} {
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("the first attempt still changes the job: %v", err)
		}
	}
	lost, err := db.RenewCallJobs(ctx, []store.Beat{{ID: "1", Attempt: 1}, {ID: "1", Attempt: 2}}, epoch.Add(time.Hour))
	check(t, err, nil)
	equal(t, lost, []string{"1"})
	end.Attempt = 2
	check(t, db.FinishCallJob(ctx, "1", end, epoch), nil)
	check(t, db.FinishCallJob(ctx, "1", end, epoch), store.ErrLeaseLost)
}

func TestADeadJobIsSentBackWhole(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1))
	addJobs(t, db, newJob("1", v, "ada"))
	ctx := t.Context()
	claim(t, db, v)
	_, err := db.RedriveCallJob(ctx, "1", "root", epoch)
	check(t, err, service.ErrConflict, "running")
	check(t, db.FinishCallJob(ctx, "1", store.JobEnd{Attempt: 1, State: service.JobDead, Reason: "lost",
		Error: &service.JobError{Code: -32000, Message: "lost"}}, epoch), nil)
	dead, err := db.CallJobs(ctx, store.JobFilter{State: service.JobDead})
	check(t, err, nil)
	if len(dead) != 1 || dead[0].Error.Message != "lost" {
		t.Fatalf("dead %+v", dead)
	}
	job, err := db.RedriveCallJob(ctx, "1", "root", epoch)
	check(t, err, nil)
	if job.State != service.JobQueued || job.Error != nil || job.Attempts != 0 || job.Finished != nil {
		t.Errorf("sent back %+v", job)
	}
	again := claim(t, db, v)
	equal(t, string(again.Params), `[{"min_length": 5}]`)
	equal(t, string(again.Secrets), "sealed")
	entries, err := db.Audit(ctx, 0, 1)
	check(t, err, nil)
	equal(t, entries[0].Action+" "+entries[0].Who, "redrive root")
}

func TestOldJobsGoByTimeAndBySize(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1))
	ctx := t.Context()
	finish := func(id string, at time.Time, size int, url string) {
		t.Helper()
		n := newJob(id, v, "ada")
		n.CallbackURL, n.CallbackSecret = url, []byte{1}
		addJobs(t, db, n)
		claim(t, db, v)
		text := `["` + strings.Repeat("x", size-4) + `"]`
		check(t, db.FinishCallJob(ctx, id, store.JobEnd{Attempt: 1, State: service.JobDone, Result: []byte(text), Bytes: int64(len(text))}, at), nil)
	}
	for i := range 6 {
		url := ""
		if i == 1 {
			url = "https://example.org" // is to be told first
		}
		finish(fmt.Sprint(i), epoch.Add(time.Duration(i)*time.Hour), 100, url)
	}
	prune := func(before time.Time, bytes int64) []string {
		t.Helper()
		ids, err := db.PruneCallJobs(ctx, store.JobRetention{Before: before, Bytes: bytes, Limit: 100})
		check(t, err, nil)
		return ids
	}
	equal(t, prune(epoch.Add(90*time.Minute), 1<<30), []string{"0"})
	equal(t, prune(epoch, 350), []string{"2", "3"})
	check(t, db.SetCallback(ctx, "1", store.CallbackResult{State: service.CallbackDelivered}), nil)
	equal(t, prune(epoch, 250), []string{"1"})
	writer, _ := db.Handles()
	for table, rows := range map[string]string{"call_jobs": "2", "call_job_results": "2", "call_job_callbacks": "0", "call_job_inputs": "0"} {
		equal(t, column(t, writer, "SELECT count(*) FROM "+table), []string{rows})
	}
}
