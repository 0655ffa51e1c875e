package nomad

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// fake is a Nomad server as far as this package asks it. A test changes what it
// holds; every change makes an event unless the test keeps it quiet.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	index   uint64
	jobs    map[string]*job
	allocs  map[string]*allocation
	evals   map[string]*evaluation
	logs    map[string]string // "alloc/stream" -> text
	lines   map[chan string]struct{}
	quiet   bool           // changes make no events
	refuse  map[string]int // "METHOD /path" -> status; the text is in refusal
	refusal string
	asked   map[string]int // "METHOD /path" -> requests
	streams chan struct{}  // a token for each event stream that was opened
}

func newFake(t *testing.T) *fake {
	f := &fake{index: 100, jobs: map[string]*job{}, allocs: map[string]*allocation{}, evals: map[string]*evaluation{}, logs: map[string]string{},
		lines: map[chan string]struct{}{}, refuse: map[string]int{}, asked: map[string]int{}, streams: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status/leader", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `"here"`) })
	mux.HandleFunc("POST /v1/jobs/parse", f.parse)
	mux.HandleFunc("PUT /v1/jobs/parse", f.parse)
	mux.HandleFunc("PUT /v1/jobs", f.register)
	mux.HandleFunc("PUT /v1/job/{id}/scale", f.scale)
	mux.HandleFunc("GET /v1/job/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.one(w, f.jobs[r.PathValue("id")] != nil, f.jobs[r.PathValue("id")])
	})
	mux.HandleFunc("GET /v1/job/{id}/evaluations", func(w http.ResponseWriter, _ *http.Request) { f.list(w, slices.Collect(maps.Values(f.evals))) })
	mux.HandleFunc("GET /v1/evaluation/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.one(w, f.evals[r.PathValue("id")] != nil, f.evals[r.PathValue("id")])
	})
	mux.HandleFunc("GET /v1/jobs", func(w http.ResponseWriter, r *http.Request) {
		f.list(w, slices.DeleteFunc(slices.Collect(maps.Values(f.jobs)), func(j *job) bool { return !strings.HasPrefix(j.ID, r.FormValue("prefix")) }))
	})
	mux.HandleFunc("GET /v1/jobs/statuses", func(w http.ResponseWriter, _ *http.Request) {
		all := []jobStatus{}
		for _, j := range f.jobs {
			all = append(all, jobStatus{ID: j.ID, ModifyIndex: j.ModifyIndex, GroupCountSum: j.count()})
		}
		f.list(w, all)
	})
	mux.HandleFunc("GET /v1/allocations", f.allocations)
	mux.HandleFunc("PUT /v1/allocation/{id}/stop", func(w http.ResponseWriter, r *http.Request) {
		f.one(w, f.allocs[r.PathValue("id")] != nil, map[string]any{"EvalID": "stopped"})
	})
	mux.HandleFunc("GET /v1/event/stream", f.events)
	mux.HandleFunc("GET /v1/client/fs/ls/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.list(w, []map[string]any{
			{"Name": "app.stdout.0", "Size": len(f.logs[r.PathValue("id")+"/stdout"])}, {"Name": "app.stderr.0", "Size": len(f.logs[r.PathValue("id")+"/stderr"])}})
	})
	mux.HandleFunc("GET /v1/client/fs/logs/{id}", func(w http.ResponseWriter, r *http.Request) {
		if text, ok := f.logs[r.PathValue("id")+"/"+r.FormValue("task")+"/"+r.FormValue("type")]; ok {
			from, _ := strconv.Atoi(r.FormValue("offset")) // what this package sent
			fmt.Fprint(w, text[min(from, len(text)):])
			return
		}
		fmt.Fprint(w, f.logs[r.PathValue("id")+"/"+r.FormValue("type")])
	})
	mux.HandleFunc("PUT /v1/job/{id}/dispatch", f.dispatch)
	mux.HandleFunc("DELETE /v1/job/{id}", func(w http.ResponseWriter, r *http.Request) {
		j := f.jobs[r.PathValue("id")]
		delete(f.jobs, r.PathValue("id"))
		f.one(w, j != nil, map[string]any{})
	})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Method + " " + r.URL.Path
		f.mu.Lock()
		f.asked[key]++
		status := f.refuse[key]
		if status != 0 {
			http.Error(w, f.refusal, status)
		} else if r.URL.Path != "/v1/event/stream" {
			mux.ServeHTTP(w, r)
		}
		f.mu.Unlock()
		if status == 0 && r.URL.Path == "/v1/event/stream" {
			f.events(w, r)
		}
	}))
	t.Cleanup(func() {
		f.hangUp()
		f.Close()
	})
	return f
}

func (f *fake) list(w http.ResponseWriter, all any) {
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(f.index, 10))
	_ = json.NewEncoder(w).Encode(all) // to a test's own connection
}

func (f *fake) one(w http.ResponseWriter, ok bool, v any) {
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	f.list(w, v)
}

func (f *fake) parse(w http.ResponseWriter, r *http.Request) {
	var req api.JobsParseRequest
	_ = json.NewDecoder(r.Body).Decode(&req) // what this package sent
	name, count := "", 0
	if _, err := fmt.Sscanf(req.JobHCL, "job %q count %d", &name, &count); err != nil {
		http.Error(w, "Failed to parse job: input.hcl:1,1-2: nonsense", http.StatusBadRequest)
		return
	}
	f.list(w, map[string]any{"ID": name, "TaskGroups": []any{map[string]any{"Name": group, "Count": count}}})
}

func (f *fake) register(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Job            *job
		PreserveCounts bool
		EnforceIndex   bool
		JobModifyIndex uint64
	}
	_ = json.NewDecoder(r.Body).Decode(&req) // what this package sent
	old := f.jobs[req.Job.ID]
	if req.EnforceIndex && (old == nil) != (req.JobModifyIndex == 0) || old != nil && old.JobModifyIndex != req.JobModifyIndex {
		http.Error(w, "Enforcing job modify index 0: job already exists", http.StatusInternalServerError)
		return
	}
	if old != nil && req.PreserveCounts {
		req.Job.TaskGroups[0].Count = old.count()
	}
	f.put(req.Job, true)
	fmt.Fprintf(w, `{"JobModifyIndex": %d}`, f.index)
}

// dispatch makes a child of a job; the same token gives the same child.
func (f *fake) dispatch(w http.ResponseWriter, r *http.Request) {
	var req api.JobDispatchRequest
	_ = json.NewDecoder(r.Body).Decode(&req) // what this package sent
	id := r.PathValue("id") + "/dispatch-" + r.FormValue("idempotency_token")
	if f.jobs[id] == nil {
		f.put(&job{ID: id, Status: "pending", Meta: req.Meta}, true)
	}
	f.list(w, map[string]any{"DispatchedJobID": id})
}

func (f *fake) scale(w http.ResponseWriter, r *http.Request) {
	var req api.ScalingRequest
	_ = json.NewDecoder(r.Body).Decode(&req) // what this package sent
	j := f.jobs[r.PathValue("id")]
	switch {
	case j == nil:
		http.Error(w, `job "x" not found`, http.StatusNotFound)
		return
	case req.JobModifyIndex != 0 && req.JobModifyIndex != j.JobModifyIndex:
		http.Error(w, "Enforcing job modify index 1: job exists with conflicting job modify index: 2", http.StatusInternalServerError)
		return
	}
	j = new(*j)
	j.TaskGroups = slices.Clone(j.TaskGroups)
	j.TaskGroups[0].Count = int(*req.Count)
	f.put(j, true)
	fmt.Fprintf(w, `{"JobModifyIndex": %d, "EvalID": "scaled"}`, f.index)
}

var jobEquals = regexp.MustCompile(`JobID == "(.*)"`)

func (f *fake) allocations(w http.ResponseWriter, r *http.Request) {
	only := jobEquals.FindStringSubmatch(r.FormValue("filter"))
	all := []*allocation{}
	for _, a := range f.allocs {
		if only != nil && a.JobID == only[1] || only == nil && a.DesiredStatus == "run" && a.ClientStatus != "complete" {
			all = append(all, a)
		}
	}
	f.list(w, all)
}

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	ch := make(chan string, 100)
	f.mu.Lock()
	f.lines[ch] = struct{}{}
	f.mu.Unlock()
	fmt.Fprintln(w, "{}")
	w.(http.Flusher).Flush()
	f.streams <- struct{}{}
	for {
		select {
		case <-r.Context().Done():
			return
		case line, ok := <-ch:
			if !ok {
				return
			}
			fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
		}
	}
}

// hangUp closes all event streams.
func (f *fake) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.lines {
		close(ch)
		delete(f.lines, ch)
	}
}

// tell sends one event. f.mu is held.
func (f *fake) tell(topic api.Topic, id string, payload any) {
	if f.quiet {
		return
	}
	raw, _ := json.Marshal(payload) // plain structs
	line, _ := json.Marshal(batch{Index: f.index, Events: []event{{Topic: topic, Key: id, FilterKeys: []string{id}, Payload: raw}}})
	for ch := range f.lines {
		ch <- string(line)
	}
}

// put stores a job, as a new revision of it or only with another status. f.mu is held.
func (f *fake) put(j *job, revision bool) {
	f.index++
	j.ModifyIndex = f.index
	if revision {
		j.JobModifyIndex = f.index
	}
	f.jobs[j.ID] = j
	f.tell(api.TopicJob, j.ID, map[string]any{"Job": j})
}

// do changes the fake.
func (f *fake) do(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) requests(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[key]
}

func (f *fake) job(id service.ID) job {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.jobs[string(id)]
}

func (f *fake) addJob(id string, count int) {
	f.do(func() {
		j := &job{ID: id, Status: "pending", Meta: map[string]string{metaDigest: "sha256:1"}}
		j.TaskGroups = append(j.TaskGroups, struct {
			Name  string
			Count int
		}{group, count})
		f.put(j, true)
	})
}

func (f *fake) status(id, status string) {
	f.do(func() {
		j := new(*f.jobs[id])
		j.Status = status
		f.put(j, false)
	})
}

// place stores an allocation; change adds to it.
func (f *fake) place(jobID, id string, change func(*allocation)) {
	f.do(func() {
		f.index++
		a, ok := f.allocs[id]
		if !ok {
			a = &allocation{ID: id, JobID: jobID, Name: jobID + ".app[0]", DesiredStatus: "run", ClientStatus: "pending", CreateIndex: f.index, CreateTime: time.Now().UnixNano()}
			a.AllocatedResources = &api.AllocatedResources{Shared: api.AllocatedSharedResources{Ports: []api.PortMapping{{Label: "http", HostIP: "127.0.0.1", Value: 20001}}}}
		}
		a = new(*a)
		a.ModifyIndex, a.ModifyTime = f.index, time.Now().UnixNano()
		if change != nil {
			change(a)
		}
		f.allocs[id] = a
		f.tell(api.TopicAllocation, jobID, map[string]any{"Allocation": a})
	})
}

func (f *fake) evaluate(v *evaluation) {
	f.do(func() {
		f.index++
		v.ModifyIndex, v.ModifyTime = f.index, time.Now().UnixNano()
		f.evals[v.ID] = v
		f.tell(api.TopicEvaluation, v.JobID, map[string]any{"Evaluation": v})
	})
}

// failed makes an allocation one whose task had these events.
func failed(events ...*taskEvent) func(*allocation) {
	return func(a *allocation) {
		a.ClientStatus = "failed"
		for i, e := range events {
			e.Time = time.Now().UnixNano() + int64(i)*int64(200*time.Millisecond)
		}
		a.TaskStates = map[string]*taskState{"app": {State: "dead", Failed: true, Events: events}}
	}
}

func details(kind string, pairs ...string) *taskEvent {
	e := &taskEvent{Type: kind, Details: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		e.Details[pairs[i]] = pairs[i+1]
	}
	return e
}
