package gen_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/kidl"
)

// fake is a server that speaks what clients speak, for the interface Everything.
// Whatever comes in is checked against it. The version in the address says how
// the server behaves:
//
//	busy      the first two requests are refused: 503 with Retry-After
//	full      all are refused: 503 without Retry-After
//	broken…   the first request is read, and the connection cut
//	stuck     there is no answer for a minute
//	html      502 with a page
//	moved     307 to another address
//	liar      200 with a result of another type
//	nowhere   404: there is no such version
//
// All others are served, and what they are is kept in the journal.
type fake struct {
	*httptest.Server
	t     *testing.T
	model *kidl.Model

	mu      sync.Mutex
	journal []entry
	tries   map[string]int      // requests by version, for busy and broken
	jobs    map[string]*fakeJob // by id
	keys    map[string]*fakeJob // by Idempotency-Key
}

// entry is a request as it came in.
type entry struct {
	Verb, Path, Version, Function, Token, Agent string
}

type fakeJob struct {
	ID       string   `json:"id"`
	State    string   `json:"state"`
	Progress *float64 `json:"progress"`
	Message  *string  `json:"message"`
	Attempts int      `json:"attempts"`
	Result   any      `json:"result,omitempty"`
	Error    any      `json:"error,omitempty"`

	version string
	changed chan struct{} // closed with every change
}

func newFake(t *testing.T) *fake {
	t.Helper()
	model, _ := caseOf(t, everything)
	f := &fake{t: t, model: model, tries: map[string]int{}, jobs: map[string]*fakeJob{}, keys: map[string]*fakeJob{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// closedURL is an address where nobody listens.
func closedURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String()
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	w.Header().Set("X-Request-Id", "request-"+strconv.Itoa(len(body)))
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/base")
	e := entry{Verb: r.Method, Path: path, Token: r.Header.Get("Authorization"), Agent: r.Header.Get("User-Agent")}
	switch parts := strings.Split(path, "/"); {
	case len(parts) == 3 && parts[1] == "svc" && r.Method == http.MethodPost:
		module, version, _ := strings.Cut(parts[2], "@")
		e.Version = f.unescape(version)
		if module != "Everything" {
			f.t.Errorf("a call of module %s", module)
		}
		f.call(w, r, e, body)
	case len(parts) == 10 && strings.HasPrefix(path, "/api/v1/modules/Everything/versions/") && parts[7] == "methods" && parts[9] == "jobs" && r.Method == http.MethodPost:
		e.Version, e.Function = f.unescape(parts[6]), parts[8]
		f.submit(w, r, e, body)
	case len(parts) == 5 && strings.HasPrefix(path, "/api/v1/jobs/"):
		f.job(w, r, e, parts[4])
	default:
		f.t.Errorf("nothing is at %s %s", r.Method, path)
		problem(w, http.StatusNotFound, "nothing is there")
	}
}

func (f *fake) unescape(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		f.t.Errorf("version %q: %v", text, err)
	}
	return plain
}

// behave does what the version asks for and says whether the request is done
// with.
func (f *fake) behave(w http.ResponseWriter, r *http.Request, e entry) bool {
	f.mu.Lock()
	f.journal = append(f.journal, e)
	f.tries[e.Version]++
	try := f.tries[e.Version]
	f.mu.Unlock()
	switch {
	case e.Version == "busy" && try <= 2:
		w.Header().Set("Retry-After", strconv.Itoa(try-1))
		refuse(w, e, http.StatusServiceUnavailable, "all instances are busy")
	case e.Version == "full":
		refuse(w, e, http.StatusServiceUnavailable, "the queue is full")
	case strings.HasPrefix(e.Version, "broken") && try == 1:
		panic(http.ErrAbortHandler)
	case e.Version == "stuck":
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	case e.Version == "html":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html>bad gateway</html>")
	case e.Version == "moved":
		http.Redirect(w, r, "/base/svc/Other", http.StatusTemporaryRedirect)
	case e.Version == "liar":
		answer(w, http.StatusOK, map[string]any{"version": "1.1", "result": []any{map[string]any{"what": "is this"}}})
	case e.Version == "nowhere":
		refuse(w, e, http.StatusNotFound, "Everything has no version nowhere")
	default:
		return false
	}
	return true
}

// refuse answers a call as the gateway does and a request to the API as that does.
func refuse(w http.ResponseWriter, e entry, status int, message string) {
	if e.Function == "" || !strings.HasPrefix(e.Path, "/svc/") {
		problem(w, status, message)
		return
	}
	fault(w, status, "JSONRPCError", -32000, message, "")
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

func fault(w http.ResponseWriter, status int, name string, code int, message, details string) {
	answer(w, status, map[string]any{"version": "1.1", "id": nil, "error": map[string]any{
		"name": name, "code": code, "message": message, "error": details,
	}})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// params checks the parameters of a call against the interface.
func (f *fake) params(w http.ResponseWriter, function string, raw json.RawMessage) ([]any, bool) {
	fn, ok := f.model.Function("Everything." + function)
	if !ok {
		fault(w, http.StatusInternalServerError, "Method not found", -32601, "there is no function "+function, "")
		return nil, false
	}
	if misfits := fn.FitParams(raw, 0); len(misfits) > 0 {
		f.t.Errorf("%s got %s: %v", function, raw, misfits)
		fault(w, http.StatusInternalServerError, "Invalid params", -32602, fmt.Sprint(misfits), "")
		return nil, false
	}
	var params []any
	if err := json.Unmarshal(raw, &params); err != nil {
		f.t.Errorf("%s: %v", function, err)
	}
	return params, true
}

// call answers a synchronous call.
func (f *fake) call(w http.ResponseWriter, r *http.Request, e entry, body []byte) {
	var request struct {
		Version string          `json:"version"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		f.t.Errorf("the body %s: %v", body, err)
	}
	e.Function = strings.TrimPrefix(request.Method, "Everything.")
	if request.Version != "1.1" || len(request.ID) < 3 || request.ID[0] != '"' || e.Function == request.Method {
		f.t.Errorf("the envelope is wrong: %s", body)
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/json" {
		f.t.Errorf("Content-Type of a call is %q", ct)
	}
	if f.behave(w, r, e) {
		return
	}
	params, ok := f.params(w, e.Function, request.Params)
	if !ok {
		return
	}
	var result any
	switch e.Function {
	case "fail":
		code, _ := params[0].(float64)
		message, _ := params[1].(string)
		fault(w, http.StatusInternalServerError, "JSONRPCError", int(code), message, "the details")
		return
	case "whoami":
		if e.Token == "" {
			fault(w, http.StatusInternalServerError, "Server error", -32000, "Authentication required for Everything but no authentication header was passed", "")
			return
		}
		result = []any{e.Token}
	case "count":
		result = []any{42}
	case "slow":
		result = []any{json.RawMessage(record)}
	case "forget", "nothing":
		result = nil
	case "unnamed":
		result = []any{3, params[2]}
	case "middle":
		regions, _ := params[0].([]any)
		result = []any{regions[len(regions)/2]}
	case "import", "close":
		result = []any{concat(params)}
	default:
		result = params
	}
	answer(w, http.StatusOK, map[string]any{"version": "1.1", "id": request.ID, "result": result})
}

func concat(params []any) string {
	var b strings.Builder
	for _, p := range params {
		fmt.Fprint(&b, p)
	}
	return b.String()
}

// submit makes a job. A key that was there makes none.
func (f *fake) submit(w http.ResponseWriter, r *http.Request, e entry, body []byte) {
	var request struct {
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		f.t.Errorf("the body %s: %v", body, err)
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) < 16 {
		f.t.Errorf("Idempotency-Key %q is too short", key)
	}
	if strings.HasPrefix(e.Version, "broken") { // the job is made, and nobody told
		f.make(key, e, request.Params)
	}
	if f.behave(w, r, e) {
		return
	}
	if _, ok := f.params(w, e.Function, request.Params); !ok {
		return
	}
	j := f.make(key, e, request.Params)
	answer(w, http.StatusAccepted, map[string]any{"id": j.ID, "state": "queued", "href": "/api/v1/jobs/" + j.ID})
}

func (f *fake) make(key string, e entry, raw json.RawMessage) *fakeJob {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j := f.keys[key]; j != nil {
		return j
	}
	j := &fakeJob{ID: "job-" + strconv.Itoa(len(f.jobs)+1), State: "queued", version: e.Version, changed: make(chan struct{})}
	f.jobs[j.ID], f.keys[key] = j, j
	var params []any
	if err := json.Unmarshal(raw, &params); err != nil {
		f.t.Errorf("%s: %v", e.Function, err)
	}
	go f.work(j, e.Function, params)
	return j
}

// change is how a job changes; a finished one does not.
func (f *fake) change(j *fakeJob, how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j.finished() {
		return
	}
	how()
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *fakeJob) finished() bool { return j.State != "queued" && j.State != "running" }

// work takes 100 ms a step.
func (f *fake) work(j *fakeJob, function string, params []any) {
	f.change(j, func() { j.State, j.Attempts = "running", 1 })
	var how string
	var steps float64
	if len(params) > 0 {
		steps, _ = params[0].(float64)
	}
	if len(params) > 1 {
		how, _ = params[1].(string)
	}
	for i := 1.0; i <= steps || how == "hold"; i++ {
		<-time.After(100 * time.Millisecond)
		f.mu.Lock()
		over := j.finished()
		f.mu.Unlock()
		if over {
			return
		}
		fraction, message := min(i/max(steps, 1), 1), fmt.Sprintf("step %g", i)
		f.change(j, func() { j.Progress, j.Message = &fraction, &message })
	}
	f.change(j, func() {
		j.State = "done"
		switch {
		case how == "fail":
			j.State, j.Error = "failed", map[string]any{"code": 17, "message": "it went wrong", "data": "the details"}
		case how == "die":
			j.State, j.Attempts, j.Error = "dead", 3, map[string]any{"code": -32000, "message": "its instance was lost three times"}
		case function == "slow_pair":
			j.Result = []any{"done", steps}
		case function == "slow_nothing":
			j.Result = []any{}
		case function == "slow":
			j.Result = []any{json.RawMessage(record)}
		case function == "count":
			j.Result = []any{42}
		default:
			j.Result = params
		}
	})
}

// job tells about a job, or cancels it.
func (f *fake) job(w http.ResponseWriter, r *http.Request, e entry, id string) {
	f.mu.Lock()
	f.journal = append(f.journal, e)
	j := f.jobs[id]
	f.mu.Unlock()
	if j == nil {
		problem(w, http.StatusNotFound, "there is no job "+id)
		return
	}
	if r.Method == http.MethodDelete {
		f.change(j, func() { j.State = "cancelled" })
		answer(w, http.StatusAccepted, map[string]any{"id": id, "state": "cancelled"})
		return
	}
	wait := time.Duration(0)
	if text := r.URL.Query().Get("wait"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait > 30*time.Second {
			f.t.Errorf("wait=%s: %v", text, err)
		}
	}
	timeout := time.After(wait)
	for {
		f.mu.Lock()
		state, changed, over := *j, j.changed, j.finished()
		f.mu.Unlock()
		if over || wait == 0 {
			answer(w, http.StatusOK, state)
			return
		}
		select {
		case <-changed:
			wait = 0 // any change is worth an answer
		case <-timeout:
			wait = 0
		case <-r.Context().Done():
			return
		}
	}
}

// seen counts the requests that fit.
func (f *fake) seen(fits func(entry) bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, e := range f.journal {
		if fits(e) {
			n++
		}
	}
	return n
}

// states are those of the jobs of a version, sorted.
func (f *fake) states(version string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var states []string
	for _, j := range f.jobs {
		if j.version == version {
			states = append(states, j.State)
		}
	}
	slices.Sort(states)
	return states
}
