package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// runner stands for the gateway: it makes the calls of jobs itself.
type runner struct {
	db   *store.DB
	mu   sync.Mutex
	call func(ctx context.Context, c service.JobCall) (string, error) // the answer's body
}

func (r *runner) does(call func(ctx context.Context, c service.JobCall) (string, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call = call
}

func (r *runner) Call(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
	if err := c.Sending(ctx); err != nil {
		return service.JobAnswer{}, err
	}
	r.mu.Lock()
	call := r.call
	r.mu.Unlock()
	text, err := call(ctx, c)
	if err != nil {
		return service.JobAnswer{Sent: true}, err
	}
	_, err = io.WriteString(to, text)
	return service.JobAnswer{Sent: true, Status: http.StatusOK}, err
}

func (r *runner) Admit(ctx context.Context, j service.JobRequest) (service.Admission, error) {
	m, err := r.db.Module(ctx, j.Module)
	if err != nil {
		return service.Admission{}, err
	}
	v, err := service.Resolve(m, j.Ref)
	if err != nil {
		return service.Admission{}, err
	}
	c, err := people.Authenticate(ctx, j.Authorization)
	if errors.Is(err, service.ErrUnauthenticated) {
		err = nil
	}
	return service.Admission{Version: &v, Caller: c, Payer: j.Peer.Payer(c), Authorization: j.Authorization}, err
}

var slow fs.FS = fstest.MapFS{
	"module.hcl": {Data: []byte(`module "Slow" {
  version   = "1.0.0"
  interface = "Slow.spec"
  run {
    command = "bin/slow"
  }
}`)},
	"Slow.spec": {Data: []byte("module Slow {\n  async funcdef work(int n) returns (int n);\n  funcdef quick() returns (int n);\n};\n")},
}

const submitSlow = "/api/v1/modules/slow/versions/dev/methods/work/jobs"

func openSlow(t *testing.T) *world {
	t.Helper()
	w := open(t)
	if _, _, err := w.catalog.Register(t.Context(), catalog.Upload{Files: slow, Tag: "dev", By: service.Operator("ada")}); err != nil {
		t.Fatal(err)
	}
	return w
}

type jobView struct {
	service.CallJob
	Href   string          `json:"href"`
	Result json.RawMessage `json:"result"`
}

// job sends a request as somebody and reads the job that is the answer.
func (w *world) job(t *testing.T, as, method, path, text string, want int) jobView {
	t.Helper()
	status, body, _ := w.askAs(t, as, method, path, text)
	var j jobView
	if status != want || status < 300 && json.Unmarshal([]byte(body), &j) != nil {
		t.Fatalf("%s %s as %q: %d, want %d: %s", method, path, as, status, want, body)
	}
	return j
}

// ended waits until a job has.
func (w *world) ended(t *testing.T, as, href string) jobView {
	t.Helper()
	for {
		if j := w.job(t, as, http.MethodGet, href+"?wait=30s", "", 200); j.State.Finished() {
			return j
		}
	}
}

func TestAJobIsSubmittedAndItsResultFetched(t *testing.T) {
	w := openSlow(t)
	calls := make(chan service.JobCall, 1)
	w.run.does(func(_ context.Context, c service.JobCall) (string, error) {
		calls <- c
		return `{"version": "1.1", "result": [1.50]}`, nil
	})
	j := w.job(t, "ursula", http.MethodPost, submitSlow, `{"params": [3]}`, 202)
	if j.State != service.JobQueued || j.Href != "/api/v1/jobs/"+j.ID || j.Caller != "ursula" {
		t.Errorf("submitted %+v", j)
	}
	done := w.ended(t, "ursula", j.Href)
	if done.State != service.JobDone || string(done.Result) != "[1.50]" || done.Attempts != 1 {
		t.Errorf("done %+v", done)
	}
	if c := <-calls; string(c.Params) != "[3]" || c.Job != j.ID || c.Caller.Name != "ursula" || c.Authorization == "" {
		t.Errorf("called with %+v", c)
	}
	status, text, _ := w.askAs(t, "ursula", http.MethodGet, j.Href+"/result", "")
	if status != 200 || text != "[1.50]" {
		t.Errorf("result %d %s", status, text)
	}
	w.job(t, "ursula", http.MethodDelete, j.Href, "", 202) // too late, and no fault
	if again := w.job(t, "ursula", http.MethodGet, j.Href, "", 200); again.State != service.JobDone {
		t.Errorf("state %s after a late cancel", again.State)
	}
}

func TestAJobIsItsCallersOwn(t *testing.T) {
	w := openSlow(t)
	w.run.does(func(ctx context.Context, _ service.JobCall) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	j := w.job(t, "ursula", http.MethodPost, submitSlow, `{}`, 202)
	for _, other := range []string{"", "dora", "a token of the module's own"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			w.job(t, other, method, j.Href, "", 404)
		}
		w.job(t, other, http.MethodGet, j.Href+"/result", "", 404)
		w.job(t, other, http.MethodPost, j.Href+"/redrive", "", 404)
	}
	w.job(t, token, http.MethodGet, j.Href, "", 200)
	list := func(as, query string) (ids []string) {
		t.Helper()
		_, text, _ := w.askAs(t, as, http.MethodGet, "/api/v1/jobs"+query, "")
		var page struct {
			Jobs []struct {
				ID string `json:"id"`
			} `json:"jobs"`
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err, text)
		}
		for _, j := range page.Jobs {
			ids = append(ids, j.ID)
		}
		return ids
	}
	if len(list("dora", "")) != 0 || len(list("ursula", "?module=Slow")) != 1 || len(list(token, "?caller=ursula")) != 1 || len(list(token, "?state=dead")) != 0 {
		t.Error("a list shows too much or too little")
	}
	if c := w.job(t, "ursula", http.MethodDelete, j.Href, "", 202); c.State != service.JobCancelled || !strings.Contains(c.Reason, "ursula") {
		t.Errorf("cancelled %+v", c)
	}
	w.job(t, "ursula", http.MethodGet, j.Href+"/result", "", 409)
}

// Jobs without a token are counted by the address that they come from, behind a
// trusted proxy by the one that it says; what callers say themselves counts for
// nothing.
func TestJobsWithoutATokenAreLimitedByAddress(t *testing.T) {
	w := openSlow(t)
	w.run.does(func(ctx context.Context, _ service.JobCall) (string, error) { <-ctx.Done(); return "", ctx.Err() })
	submit := func(forwarded string, want int, says string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+submitSlow, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", forwarded)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want || !strings.Contains(string(text), says) {
			t.Errorf("for %q: %d, want %d: %s", forwarded, resp.StatusCode, want, text)
		}
		if after := resp.Header.Get("Retry-After"); (after != "") != (want == http.StatusTooManyRequests) {
			t.Errorf("for %q: %d with Retry-After %q", forwarded, resp.StatusCode, after)
		}
	}
	submit("192.0.2.1", 202, "")
	submit("198.51.100.9, 192.0.2.1", 202, "") // the first it has made up
	submit("192.0.2.1", 429, "your address has 2 call jobs that are not finished")
	submit("203.0.113.5, 192.0.2.1", 429, "send a token")
	submit("192.0.2.2", 202, "")
	submit("2001:db8::1", 202, "")
	submit("2001:db8::ffff:1", 202, "")
	submit("2001:db8::2", 429, "your address")
	submit("2001:db8:0:1::2", 202, "")
	w.job(t, "ursula", http.MethodPost, submitSlow, `{}`, 202)
}

func TestWhatCannotRunIsRefusedAtOnce(t *testing.T) {
	w := openSlow(t)
	w.run.does(func(ctx context.Context, _ service.JobCall) (string, error) { <-ctx.Done(); return "", ctx.Err() })
	at := "/api/v1/modules/%s/versions/%s/methods/%s/jobs"
	hook := func(url, secret string) string {
		return fmt.Sprintf(`{"callback": {"url": %q, "secret": %q}}`, url, secret)
	}
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	for _, tt := range []struct {
		path, body string
		status     int
		says       string
	}{
		{fmt.Sprintf(at, "nobody", "dev", "work"), `{}`, 404, "nobody"},
		{fmt.Sprintf(at, "Slow", "7.0.0", "work"), `{}`, 404, "1.0.0"},
		{fmt.Sprintf(at, "Slow", "dev", "wrok"), `{}`, 404, "as jobs run work"},
		{fmt.Sprintf(at, "Slow", "dev", "quick"), `{}`, 422, "synchronously only"},
		{submitSlow, `{"params": "n"}`, 422, "must be a list"},
		{submitSlow, `{"parms": [1]}`, 422, `unknown field "parms"`},
		{submitSlow, `[1]`, 422, "JSON object"},
		{submitSlow, `{} {}`, 422, "something follows"},
		{submitSlow, ``, 422, "JSON object"},
		{submitSlow, hook("ftp://example.org", secret), 422, "http://"},
		{submitSlow, hook("https://u:p@example.org", secret), 422, "user"},
		{submitSlow, hook("http://127.0.0.1:8080/", secret), 422, "not a public address"},
		{submitSlow, hook("http://169.254.169.254/latest", secret), 422, "not a public address"},
		{submitSlow, hook("https://example.org", "short"), 422, "openssl rand"},
	} {
		status, text, _ := w.askAs(t, "ursula", http.MethodPost, tt.path, tt.body)
		var p struct{ Detail string }
		if json.Unmarshal([]byte(text), &p) != nil || status != tt.status || !strings.Contains(p.Detail, tt.says) {
			t.Errorf("%s %s: %d %s; want %d, %q", tt.path, tt.body, status, text, tt.status, tt.says)
		}
	}
	for range 3 {
		w.job(t, "ursula", http.MethodPost, submitSlow, `{}`, 202)
	}
	status, text, header := w.askAs(t, "ursula", http.MethodPost, submitSlow, `{}`)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(text, "3 call jobs") {
		t.Errorf("one job too many: %d %s", status, text)
	}
	w.job(t, "dora", http.MethodPost, submitSlow, `{}`, 202)
}

func TestAnInstanceReportsProgress(t *testing.T) {
	w := openSlow(t)
	calls, finish := make(chan service.JobCall), make(chan struct{})
	w.run.does(func(_ context.Context, c service.JobCall) (string, error) {
		calls <- c
		<-finish
		return `{"result": [1]}`, nil
	})
	j := w.job(t, "", http.MethodPost, submitSlow, `{}`, 202)
	c := <-calls
	report := strings.TrimPrefix(c.Progress, "http://agent.example.org")
	waited := make(chan jobView, 1)
	go func() { waited <- w.ended(t, "", j.Href) }()
	for _, tt := range []struct {
		body     string
		progress float64
		message  string
	}{{`{"progress": 0.25, "message": "step 1"}`, 0.25, "step 1"}, {`{"progress": 7}`, 1, "step 1"}, {`{"message": "step 2", "more": 1}`, 1, "step 2"}} {
		if status, text, _ := w.askAs(t, "", http.MethodPost, report, tt.body); status != http.StatusNoContent {
			t.Fatalf("report: %d %s", status, text)
		}
		got := w.job(t, "", http.MethodGet, j.Href, "", 200)
		if got.Progress == nil || *got.Progress != tt.progress || got.Message == nil || *got.Message != tt.message {
			t.Errorf("after %s: %+v", tt.body, got)
		}
	}
	w.job(t, "", http.MethodPost, j.Href+"/progress/guessed", `{"progress": 0}`, 404)
	close(finish)
	if done := <-waited; done.State != service.JobDone {
		t.Errorf("ended %+v", done)
	}
	w.job(t, "", http.MethodPost, report, `{"progress": 0}`, 404)
}
