package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// browse asks for a page as a browser does that has somebody's token.
func (w *world) browse(t *testing.T, as, method, path string, header ...string) (status int, text string, head http.Header) {
	t.Helper()
	return w.fillIn(t, as, method, path, nil, header...)
}

// fillIn sends a form as a browser does.
func (w *world) fillIn(t *testing.T, as, method, path string, form url.Values, header ...string) (status int, text string, head http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if as != "" {
		req.Header.Set("Cookie", "dynsvc_token="+as)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

func TestTheConsoleShowsCallJobs(t *testing.T) {
	w := openSlow(t)
	step := make(chan service.JobCall)
	w.run.does(func(ctx context.Context, c service.JobCall) (string, error) {
		switch string(c.Params) {
		case "[1]":
			return `{"version": "1.1", "result": [1.50]}`, nil
		case "[2]":
			return `{"version": "1.1", "error": {"name": "JSONRPCError", "code": -32000, "message": "no such <thing>", "error": "trace"}}`, nil
		case "[3]":
			return "", errors.New("connection reset")
		}
		step <- c
		<-ctx.Done()
		return "", ctx.Err()
	})
	submit := func(as, params string) jobView {
		return w.job(t, as, http.MethodPost, submitSlow, `{"params": `+params+`}`, 202)
	}
	done, failed, dead := submit("ursula", "[1]"), submit("ursula", "[2]"), submit("ursula", "[3]")
	for _, j := range []jobView{done, failed, dead} {
		w.ended(t, "ursula", j.Href)
	}
	running := submit("dora", "[4]")
	report := strings.TrimPrefix((<-step).Progress, "http://agent.example.org")
	if status, text, _ := w.askAs(t, "", http.MethodPost, report, `{"progress": 0.4, "message": "step 2 of 5"}`); status != http.StatusNoContent {
		t.Fatalf("report: %d %s", status, text)
	}
	at := func(j jobView) string { return "/console/jobs/" + j.ID }
	for _, tt := range []struct {
		as, path string
		status   int
		has, not []string
	}{
		{token, "/console/jobs", 200, []string{done.ID, failed.ID, dead.ID, running.ID, "Slow.work", `name="caller"`}, []string{"Older jobs"}},
		{token, "/console/jobs?state=dead", 200, []string{dead.ID, "<option selected>dead"}, []string{done.ID, running.ID}},
		{token, "/console/jobs?module=Slow&caller=dora", 200, []string{running.ID, `value="dora"`}, []string{done.ID}},
		{token, "/console/jobs?module=Other", 200, []string{"There is no such job"}, []string{done.ID}},
		{token, "/console/jobs?before=x", 422, []string{"is no number"}, nil},
		{"ursula", "/console/jobs", 200, []string{done.ID, dead.ID, "of ursula"}, []string{running.ID, `name="caller"`}},
		{"ursula", "/console/jobs?caller=dora", 200, []string{done.ID}, []string{running.ID}},
		{"", "/console/jobs", 401, []string{`name="token"`}, []string{done.ID}},
		{"ursula", at(running), 404, []string{"no call job"}, []string{"step 2"}},
		{token, at(running), 200, []string{"running", "40 %", "step 2 of 5", `id="cancel"`, `http-equiv="refresh"`, "#logs"}, []string{`id="redrive"`, `id="result"`}},
		{"dora", at(running), 200, []string{"40 %", `id="cancel"`}, []string{"#logs"}},
		{"ursula", at(done), 200, []string{"done", "6 bytes of JSON", at(done) + "/result", "1, of which 1 reached"}, []string{`id="cancel"`, "http-equiv"}},
		{"ursula", at(failed), 200, []string{"failed", "no such &lt;thing&gt;", "-32000", "trace"}, []string{`id="cancel"`, `id="redrive"`}},
		{"ursula", at(dead), 200, []string{"dead", `id="reason"`, `id="redrive"`, "is not idempotent"}, []string{`id="cancel"`}},
		{"ursula", "/console", 303, nil, nil},
		{"ursula", "/console/services/" + string(done.Service), 403, []string{"ursula is a user, and this needs a token of a developer"}, nil},
	} {
		status, text, head := w.browse(t, tt.as, http.MethodGet, tt.path)
		if status != tt.status || status == 303 && head.Get("Location") != "/console/jobs" {
			t.Errorf("%s as %q: %d %s", tt.path, tt.as, status, text)
		}
		for _, word := range tt.has {
			if !strings.Contains(text, word) {
				t.Errorf("%s as %q lacks %q:\n%s", tt.path, tt.as, word, text)
			}
		}
		for _, word := range tt.not {
			if strings.Contains(text, word) {
				t.Errorf("%s as %q has %q", tt.path, tt.as, word)
			}
		}
	}
	status, text, head := w.browse(t, "ursula", http.MethodGet, at(done)+"/result")
	if status != 200 || text != "[1.50]" || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("result: %d %s %v", status, text, head)
	}
	for _, path := range []string{at(running) + "/result", at(done) + "/result"} {
		if status, text, _ := w.browse(t, "dora", http.MethodGet, path); status == 200 {
			t.Errorf("%s for dora: %s", path, text)
		}
	}
}

func TestTheConsoleCancelsAndRedrivesCallJobs(t *testing.T) {
	w := openSlow(t)
	w.run.does(func(ctx context.Context, c service.JobCall) (string, error) {
		if string(c.Params) == "[3]" {
			return "", errors.New("connection reset")
		}
		<-ctx.Done()
		return "", ctx.Err()
	})
	running := w.job(t, "ursula", http.MethodPost, submitSlow, `{}`, 202)
	dead := w.job(t, "ursula", http.MethodPost, submitSlow, `{"params": [3]}`, 202)
	w.ended(t, "ursula", dead.Href)
	cancel, redrive := "/console/jobs/"+running.ID+"/cancel", "/console/jobs/"+dead.ID+"/redrive"
	for _, tt := range []struct {
		name, as, method, path string
		header                 []string
		status                 int
	}{
		{"nobody", "", http.MethodPost, cancel, nil, 401},
		{"another", "dora", http.MethodPost, cancel, nil, 404},
		{"a login by a page of elsewhere", "", http.MethodPost, "/console", []string{"Origin", "https://evil.example.com"}, 403},
		{"a link", "ursula", http.MethodGet, cancel, nil, 405},
		{"a page of elsewhere", "ursula", http.MethodPost, cancel, []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site"}, 403},
		{"one of the same site", "ursula", http.MethodPost, cancel, []string{"Origin", w.URL + "0", "Sec-Fetch-Site", "same-site"}, 403},
		{"its caller", "ursula", http.MethodPost, cancel, []string{"Origin", w.URL, "Sec-Fetch-Site", "same-origin"}, 303},
		{"another", "dora", http.MethodPost, redrive, nil, 404},
		{"what is not dead", token, http.MethodPost, "/console/jobs/" + running.ID + "/redrive", nil, 409},
		{"an admin", token, http.MethodPost, redrive, nil, 303},
	} {
		status, text, head := w.browse(t, tt.as, tt.method, tt.path, tt.header...)
		if status != tt.status {
			t.Errorf("%s: %s: %d %s", tt.name, tt.path, status, text)
		}
		if want := tt.path[:strings.LastIndexByte(tt.path, '/')]; status == 303 && head.Get("Location") != want {
			t.Errorf("%s: sent to %s", tt.name, head.Get("Location"))
		}
	}
	if j := w.job(t, "ursula", http.MethodGet, running.Href, "", 200); j.State != service.JobCancelled || !strings.Contains(j.Reason, "ursula") {
		t.Errorf("cancelled %+v", j)
	}
	for j := w.ended(t, "ursula", dead.Href); j.Attempts < 1 || j.State != service.JobDead; {
		j = w.ended(t, "ursula", dead.Href)
	}
	_, text, _ := w.ask(t, http.MethodGet, "/api/v1/audit", "")
	if !strings.Contains(text, "redrive") {
		t.Errorf("the audit trail has no redrive: %s", text)
	}
}

func TestPagesOfJobsAreLinked(t *testing.T) {
	w := openSlow(t)
	w.run.does(func(context.Context, service.JobCall) (string, error) { return `{"result": [1]}`, nil })
	seen := map[string]bool{}
	for range 60 {
		j := w.job(t, "ursula", http.MethodPost, submitSlow, `{}`, 202)
		w.ended(t, "ursula", j.Href)
		seen[j.ID] = false
	}
	path := "/console/jobs?state=done&module=Slow"
	for pages := 1; path != ""; pages++ {
		if pages > 2 {
			t.Fatal("more than two pages")
		}
		_, text, _ := w.browse(t, "ursula", http.MethodGet, path)
		for id, twice := range seen {
			if strings.Contains(text, `id="`+id+`"`) {
				if twice {
					t.Errorf("%s is on two pages", id)
				}
				seen[id] = true
			}
		}
		_, rest, more := strings.Cut(text, `id="older" href="`)
		path = ""
		if more {
			older, _, _ := strings.Cut(rest, `"`)
			older = strings.ReplaceAll(older, "&amp;", "&")
			u, err := url.Parse(older)
			if err != nil || u.Query().Get("state") != "done" || u.Query().Get("module") != "Slow" {
				t.Fatalf("older jobs are at %s, %v", older, err)
			}
			path = older
		}
	}
	for id, found := range seen {
		if !found {
			t.Errorf("%s is on no page", id)
		}
	}
}
