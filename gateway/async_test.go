package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// desk keeps jobs in memory.
type desk struct {
	mu       sync.Mutex
	accepted []service.JobRequest
	admitted []service.Admission
	jobs     map[string]service.CallJob
	results  map[string]string
}

func (d *desk) Accept(_ context.Context, r service.JobRequest, a service.Admission) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accepted, d.admitted = append(d.accepted, r), append(d.admitted, a)
	return "job-1", nil
}

func (d *desk) Look(_ context.Context, id string, c service.Caller) (service.CallJob, io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	job, ok := d.jobs[id]
	if !ok || job.Caller != c.Name {
		return job, nil, service.Errorf(service.ErrNotFound, "there is no call job %s of yours", id)
	}
	if job.State != service.JobDone {
		return job, nil, nil
	}
	return job, io.NopCloser(strings.NewReader(d.results[id])), nil
}

func TestKBaseClientsSubmitAndCheckJobs(t *testing.T) {
	d := &desk{results: map[string]string{"done": `[1.50,{"a":2}]`}, jobs: map[string]service.CallJob{
		"queued": {State: service.JobQueued}, "running": {State: service.JobRunning}, "done": {State: service.JobDone}, "ursulas": {State: service.JobQueued, Caller: "ursula"},
		"failed":    {State: service.JobFailed, Error: &service.JobError{Name: "ValueError", Code: 17, Message: "no", Data: "trace"}},
		"dead":      {State: service.JobDead, Error: &service.JobError{Code: -32000, Message: "lost", Data: map[string]any{"a": 1}}},
		"cancelled": {State: service.JobCancelled, Reason: "cancelled by ada"},
	}}
	k := newKit(t, worker, func(s *setup) {
		s.opts.Jobs, s.opts.Callers = d, door{"ursula": {Name: "ursula", Role: service.User}}
		s.version.Methods = append(s.version.Methods, service.Method{Name: "private", Mode: service.Async, Authentication: service.RequiredAuthentication})
	})
	const prefix = `{"version": "1.1", "id": "7", "method": "Echo.`
	for _, tt := range []struct {
		path, body, token string
		status            int
		want              string
	}{
		{"/svc/Echo", prefix + `_work_submit", "params": [1.50, "x"], "context": {"service_ver": "dev"}}`, "", 200, `{"version":"1.1","id":"7","result":["job-1"]}`},
		{"/svc/Echo@1.2.0", prefix + `_work_submit", "params": []}`, "", 200, `{"version":"1.1","id":"7","result":["job-1"]}`},
		{"/svc/Echo", `{"jsonrpc": "2.0", "id": 1, "method": "Echo._work_submit", "params": [1]}`, "", 200, `{"jsonrpc":"2.0","id":1,"result":["job-1"]}`},
		{"/svc/Echo", prefix + `_private_submit", "params": []}`, "ursula", 200, `{"version":"1.1","id":"7","result":["job-1"]}`},
		{"/svc/Echo", prefix + `_work_submit", "params": [2]}`, "ursula", 200, `"result":["job-1"]`},
		{"/svc/Echo", prefix + `_private_submit", "params": []}`, "", 401, "Authentication required for Echo"},
		{"/svc/Echo", prefix + `_wrok_submit", "params": []}`, "", 404, `-32601`},
		{"/svc/Echo", prefix + `_work_submit", "params": [], "context": {"service_ver": "9.9.9"}}`, "", 404, "9.9.9"},
		{"/svc/Echo", prefix + `_check_job", "params": ["queued"]}`, "", 200, `{"version":"1.1","id":"7","result":[{"finished":0,"job_state":"queued"}]}`},
		{"/svc/Echo", prefix + `_check_job", "params": ["running"]}`, "its own token", 200, `{"version":"1.1","id":"7","result":[{"finished":0,"job_state":"running"}]}`},
		{"/svc/Echo", prefix + `_check_job", "params": ["done"]}`, "", 200, `{"version":"1.1","id":"7","result":[{"finished":1,"job_state":"done","result":[1.50,{"a":2}]}]}`},
		{"/svc/Echo", prefix + `_check_job", "params": ["ursulas"]}`, "ursula", 200, `"finished":0`},
		{"/svc/Echo", prefix + `_check_job", "params": ["ursulas"]}`, "", 404, "no call job ursulas of yours"},
		{"/svc/Echo", prefix + `_check_job", "params": ["failed"]}`, "", 500, `{"version":"1.1","id":"7","error":{"name":"ValueError","code":17,"message":"no","error":"trace"}}`},
		{"/svc/Echo", prefix + `_check_job", "params": ["dead"]}`, "", 500, `"error":{"name":"JSONRPCError","code":-32000,"message":"lost","error":"{\"a\":1}"}}`},
		{"/svc/Echo", prefix + `_check_job", "params": ["cancelled"]}`, "", 500, "the job is cancelled: cancelled by ada"},
		{"/svc/Echo", prefix + `_check_job", "params": []}`, "", 400, "takes the id of a job"},
		{"/svc/Echo", prefix + `_other", "params": []}`, "", 404, "-32601"},
		{"/dynserv/4f2a9c1d.Echo", prefix + `_work_submit", "params": []}`, "", 200, `{"version":"1.1","id":"7","result":["job-1"]}`},
		{"/dynserv/4f2a9c1d.Echo", prefix + `_check_job", "params": ["nobody"]}`, "", 500, "no call job"},
	} {
		var header []string
		if tt.token != "" {
			header = []string{"Authorization", "Bearer " + tt.token}
		}
		r := k.post(tt.path, tt.body, header...)
		if r.err != nil || r.status != tt.status || !strings.Contains(r.body, tt.want) || tt.status == 200 && tt.want[0] == '{' && r.body != tt.want {
			t.Errorf("%s %s as %q: %d %s %v; want %d %s", tt.path, tt.body, tt.token, r.status, r.body, r.err, tt.status, tt.want)
		}
		if got := r.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", tt.body, got)
		}
	}
	first, private := d.accepted[0], d.admitted[3]
	if open := d.admitted[4]; open.Caller.Name != "ursula" {
		t.Errorf("the job of a method that asks for no name is %q's", open.Caller.Name)
	}
	if string(first.Params) != `[1.50, "x"]` || first.Method != "work" || first.Module != "Echo" || d.admitted[0].Version.ID != echo {
		t.Errorf("accepted %+v", first)
	}
	if private.Caller.Name != "ursula" || private.Authorization != "Bearer ursula" {
		t.Errorf("admitted %+v", private)
	}
	if n := k.cluster.woken(); n != 0 {
		t.Errorf("%d wakes for submissions", n)
	}
	// Below the root, and without jobs, these are names like any other.
	k.up(k.backend(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "mine") }))
	k.post("/svc/Echo/sub", prefix+`_check_job", "params": ["queued"]}`).must(t, http.StatusOK, "mine")
}

// KBase's asynchronous clients at the URLs by which the Service Wizard names services,
// and as they read answers: refusals are 500, and pages of any origin may ask.
func TestKBaseClientsSubmitAndCheckJobsUnderDynServ(t *testing.T) {
	const name, older = "Kb_Echo." + testCommit, testCommit + ".Kb-Echo"
	for _, at := range []string{"/dynserv/" + name, "/dynserv/" + name + "/", "/dynserv/" + older, "/dynserv/" + strings.ToUpper(name), "/dynserv/kb_echo.0123456"} {
		t.Run(at, func(t *testing.T) {
			d := &desk{results: map[string]string{"done": `[{"n":1}]`}, jobs: map[string]service.CallJob{
				"queued": {State: service.JobQueued}, "done": {State: service.JobDone}, "ursulas": {State: service.JobQueued, Caller: "ursula"},
				"failed": {State: service.JobFailed, Error: &service.JobError{Name: "ValueError", Code: -32000, Message: "no", Data: "trace"}},
			}}
			var v service.Version
			k := newKit(t, func(s *setup) {
				s.opts.Jobs, s.opts.Callers = d, door{"ursula": {Name: "ursula", Role: service.User}}
				s.version.Module, s.version.Commit, s.version.Typed = "Kb_Echo", testCommit, true
				s.version.Methods = []service.Method{{Name: "work", Mode: service.Async, Authentication: service.RequiredAuthentication}}
				v = s.version
			})
			k.gw.Publish(service.Module{Name: v.Module, Tags: map[string]service.ID{"release": v.ID}, Versions: []service.Version{v}})
			for _, tt := range []struct {
				method, params, token string
				status                int
				want                  string
			}{
				{"_work_submit", `[{"n": 1}]`, "ursula", 200, `{"version":"1.1","id":"17","result":["job-1"]}`},
				{"_work_submit", `[{"n": 1}]`, "", 500, "Authentication required for Kb_Echo"},
				{"_check_job", `["queued"]`, "", 200, `{"version":"1.1","id":"17","result":[{"finished":0,"job_state":"queued"}]}`},
				{"_check_job", `["done"]`, "", 200, `{"version":"1.1","id":"17","result":[{"finished":1,"job_state":"done","result":[{"n":1}]}]}`},
				{"_check_job", `["failed"]`, "", 500, `{"version":"1.1","id":"17","error":{"name":"ValueError","code":-32000,"message":"no","error":"trace"}}`},
				{"_check_job", `["ursulas"]`, "", 500, "no call job ursulas of yours"},
				{"_check_job", `["ursulas"]`, "ursula", 200, `"finished":0`},
				{"_check_job", `[]`, "", 500, "takes the id of a job"},
				{"_wrok_submit", `[]`, "ursula", 500, "-32601"},
			} {
				header := []string{"Origin", "https://narrative.example.org", "Content-Type", "application/x-www-form-urlencoded"}
				if tt.token != "" {
					header = append(header, "Authorization", tt.token)
				}
				r := k.post(at, `{"version": "1.1", "id": "17", "method": "Kb_Echo.`+tt.method+`", "params": `+tt.params+`}`, header...)
				if r.err != nil || r.status != tt.status || !strings.Contains(r.body, tt.want) || tt.want[0] == '{' && r.body != tt.want {
					t.Errorf("%s %s as %q: %d %s %v; want %d %s", tt.method, tt.params, tt.token, r.status, r.body, r.err, tt.status, tt.want)
				}
				if got := [2]string{r.header.Get("Content-Type"), r.header.Get("Access-Control-Allow-Origin")}; got != [2]string{"application/json", "*"} {
					t.Errorf("%s %s: headers %q", tt.method, tt.params, got)
				}
			}
			if len(d.accepted) != 1 || d.accepted[0].Method != "work" || string(d.accepted[0].Params) != `[{"n": 1}]` || d.admitted[0].Version.ID != v.ID || d.admitted[0].Caller.Name != "ursula" {
				t.Errorf("accepted %+v, admitted %+v", d.accepted, d.admitted)
			}
			if n := k.cluster.woken(); n != 0 {
				t.Errorf("%d wakes for submissions", n)
			}
		})
	}
}

// Submitting jobs and asking for them counts as calling.
func TestTheLimitsOfACallerHoldForJobs(t *testing.T) {
	d := &desk{jobs: map[string]service.CallJob{
		"ursula": {State: service.JobQueued, Caller: "ursula"}, "linus": {State: service.JobQueued, Caller: "linus"}}}
	const call = `{"version": "1.1", "id": "7", "method": "Echo.`
	asks := map[string]func(*kit, string) error{
		"submit": func(k *kit, token string) error {
			return k.post("/svc/Echo", call+`_work_submit", "params": [1]}`, "Authorization", token).refused()
		},
		"check": func(k *kit, token string) error {
			return k.post("/dynserv/4f2a9c1d.Echo", call+`_check_job", "params": ["`+token+`"]}`, "Authorization", token).refused()
		},
		"admit": func(k *kit, token string) error {
			_, err := k.gw.Admit(t.Context(), service.JobRequest{Module: "Echo", Method: "work", Authorization: token})
			return err
		},
	}
	for name, ask := range asks {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, worker, func(s *setup) {
				s.opts.Jobs = d
				s.opts.Callers = door{"ursula": ursula, "linus": linus}
				s.opts.CallerLimits.Known = gateway.Quota{Rate: 0.001, Burst: 2}
			})
			for range 2 {
				if err := ask(k, "ursula"); err != nil {
					t.Errorf("within the limit: %v", err)
				}
			}
			if err := ask(k, "ursula"); err == nil || !strings.Contains(err.Error(), "ursula calls more often than") {
				t.Errorf("beyond it: %v", err)
			}
			if err := ask(k, "linus"); err != nil {
				t.Errorf("another: %v", err)
			}
		})
	}
}

// Who submits jobs without a token has the limits of its address, over either way in.
func TestTheLimitsOfAnAddressHoldForJobs(t *testing.T) {
	k := newKit(t, worker, func(s *setup) {
		s.opts.Jobs = &desk{}
		s.opts.CallerLimits.Anonymous = gateway.Quota{Rate: 0.001, Burst: 2}
	})
	submit := func() error {
		return k.post("/svc/Echo", `{"version": "1.1", "id": "7", "method": "Echo._work_submit", "params": [1]}`).refused()
	}
	admit := func(addr string) (service.Admission, error) {
		return k.gw.Admit(t.Context(), service.JobRequest{Module: "Echo", Method: "work", Peer: service.Peer{Addr: addr}})
	}
	if err := submit(); err != nil {
		t.Error(err)
	}
	if a, err := admit("127.0.0.1"); err != nil || a.Payer != "from 127.0.0.1" {
		t.Errorf("admitted as %q: %v", a.Payer, err)
	}
	if err := submit(); err == nil || !strings.Contains(err.Error(), "your address calls more often than") {
		t.Errorf("one too many in KBase's words: %v", err)
	}
	if _, err := admit("127.0.0.1"); !errors.Is(err, service.ErrLimited) {
		t.Errorf("one too many over REST: %v", err)
	}
	if a, err := admit("2001:db8::7"); err != nil || a.Payer != "from 2001:db8::/64" {
		t.Errorf("from elsewhere as %q: %v", a.Payer, err)
	}
}

// refused is what a call was refused with; nil: it was not.
func (r reply) refused() error {
	if r.err == nil && r.status == http.StatusOK {
		return nil
	}
	return errors.Join(r.err, errors.New(r.body))
}
