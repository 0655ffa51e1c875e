package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const token = "correct horse"

// cluster holds counts, and is the gate too: nothing has to be drained here.
type cluster struct {
	counts  map[service.ID]int
	loads   []service.Load
	leaving chan struct{}
	full    error // what a backup fails with
	feed    *server.Feed
	fresh   bool
}

func (c *cluster) Scale(_ context.Context, s service.Scaling) (uint64, error) {
	c.counts[s.ID] = s.To
	return 1, nil
}

func (c *cluster) State(_ context.Context, id service.ID) (service.State, error) {
	return service.State{ID: id, Registered: true, Count: c.counts[id], Revision: 1}, nil
}

func (c *cluster) States() (states []service.State, fresh bool) {
	for id, n := range c.counts {
		states = append(states, service.State{ID: id, Registered: true, Count: n, Revision: 1})
	}
	return states, c.fresh
}

func (c *cluster) Logs(_ context.Context, _ service.ID, _ service.LogOptions, emit func(service.LogLine) error) error {
	return emit(service.LogLine{Alloc: "a1", Stream: "stdout", Text: "hello"})
}
func (c *cluster) Explain(context.Context, service.ID) ([]string, error) {
	return []string{"all is well"}, nil
}
func (c *cluster) Nodes(context.Context) ([]service.Node, error) {
	return []service.Node{{Name: "n1"}}, nil
}
func (c *cluster) Loads() []service.Load                                    { return c.loads }
func (c *cluster) Drain(context.Context, service.ID, int) bool              { return true }
func (c *cluster) Open(service.ID)                                          {}
func (c *cluster) SetStopped(service.ID, bool)                              {}
func (c *cluster) Check(context.Context, service.Version) ([]string, error) { return nil, nil }
func (c *cluster) Deploy(context.Context, service.Version) error            { return nil }

type world struct {
	*httptest.Server
	cluster *cluster
	catalog *catalog.Catalog
	db      *store.DB
	run     *runner
}

func open(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	log := hclog.NewNullLogger()
	db, err := store.Open(t.Context(), filepath.Join(dir, "dynsvc.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &cluster{counts: map[service.ID]int{}, fresh: true, feed: server.NewFeed(), leaving: make(chan struct{})}
	engine := scheduler.New(db, c, c, log, scheduler.Options{})
	cat, err := catalog.New(db, filepath.Join(dir, "bundles"), c, log, catalog.Options{Changed: engine.Publish, Builder: kiln{}})
	if err != nil {
		t.Fatal(err)
	}
	run := &runner{db: db}
	queue, err := jobs.Open(t.Context(), db, filepath.Join(dir, "jobs"), run, log, jobs.Options{CallerOpen: 3, AddressOpen: 2, URL: "http://agent.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- queue.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	tokens, err := auth.OpenTokens(t.Context(), db, log, auth.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	registrar := repos.New(db, cat, log, repos.Options{Dir: filepath.Join(dir, "registrations"), Hooks: repos.Hooks{GitHubSecret: "secret"}})
	if err := registrar.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler, err := server.New(server.Parts{Store: db, Registrar: registrar, Catalog: cat, Engine: engine, Cluster: c, Callers: people, Tokens: tokens, Jobs: queue, Loads: c.Loads, Leaving: c.leaving,
		Peer: gateway.New(log, nil, gateway.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}).Peer,
		Feed: c.feed,
		Backup: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "all there is")
			return errors.Join(err, c.full)
		},
		Render: func(_ context.Context, v service.Version) (service.Job, error) {
			return service.Job{Version: v, HCL: `job "x" {}`}, nil
		}}, log, server.Options{Version: "1.2.3", URL: "http://calls.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: httptest.NewServer(handler), cluster: c, catalog: cat, db: db, run: run}
	t.Cleanup(w.Close)
	return w
}

var hello fs.FS = fstest.MapFS{
	"module.hcl": {Data: []byte(`module "Hello" {
  version   = "1.0.0"
  interface = "Hello.spec"
  run {
    command = "bin/hello"
  }
}`)},
	"Hello.spec": {Data: []byte("module Hello {\n  /* Says hello. */\n  funcdef hello(string name) returns (string greeting);\n};\n")},
}

func (w *world) register(t *testing.T, tag string) service.Version {
	t.Helper()
	v, _, err := w.catalog.Register(t.Context(), catalog.Upload{Files: hello, Tag: tag, By: service.Operator("ada")})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ask sends a request with the token and returns the status, the body and the header.
func (w *world) ask(t *testing.T, method, path, body string) (int, string, http.Header) {
	t.Helper()
	return w.askAs(t, token, method, path, body)
}

func (w *world) askAs(t *testing.T, token, method, path, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // redirects are answers here
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func TestOperations(t *testing.T) {
	w := open(t)
	v := w.register(t, "release")
	id := string(v.ID)
	tests := []struct {
		name, method, path, body string
		status                   int
		words                    []string
	}{
		{"list", "GET", "/api/v1/modules", "", 200, []string{`"name":"Hello"`, `"release":"` + id + `"`}},
		{"page", "GET", "/api/v1/modules?after=hello&limit=1", "", 200, []string{`"modules":[]`}},
		{"bad page", "GET", "/api/v1/modules?limit=0", "", 422, []string{"query.limit"}},
		{"module in any case", "GET", "/api/v1/modules/hELLO", "", 200, []string{`"name":"Hello"`}},
		{"no module", "GET", "/api/v1/modules/Nope", "", 404, []string{"no module Nope"}},
		{"version by range", "GET", "/api/v1/modules/Hello/versions/%5E1", "", 200, []string{id}},
		{"no version", "GET", "/api/v1/modules/Hello/versions/9.0.0", "", 404, []string{"9.0.0", "1.0.0"}},
		{"file", "GET", "/api/v1/modules/Hello/versions/release/files/Hello.spec", "", 200, []string{"module Hello {"}},
		{"interface", "GET", "/api/v1/modules/Hello/versions/release/interface", "", 200, []string{"Says hello.", `"name":"hello"`}},
		{"OpenAPI", "GET", "/api/v1/modules/Hello/versions/release/openapi", "", 200, []string{`"openapi":"3.1`, "http://calls.example.org/svc/Hello@" + id}},
		{"client", "GET", "/api/v1/modules/Hello/versions/release/clients/python", "", 200, []string{"\x1f\x8b"}},
		{"client in nothing", "GET", "/api/v1/modules/Hello/versions/release/clients/cobol", "", 404, []string{"python"}},
		{"no file", "GET", "/api/v1/modules/Hello/versions/release/files/x", "", 404, []string{"x"}},
		{"jobspec", "GET", "/api/v1/modules/Hello/versions/release/jobspec", "", 200, []string{`job "x"`}},
		{"register from git", "POST", "/api/v1/registrations", `{"git": "https://git.example.org/x"}`, 202, []string{`"state":"queued"`, `"tag":"dev"`}},
		{"register from a path", "POST", "/api/v1/registrations", `{"git": "/etc"}`, 422, []string{"not a URL"}},
		{"registrations", "GET", "/api/v1/registrations", "", 200, []string{`"url":"https://git.example.org/x"`}},
		{"registration", "GET", "/api/v1/registrations/1", "", 200, []string{`"who":"admin"`}},
		{"no registration", "GET", "/api/v1/registrations/7", "", 404, []string{"no registration 7"}},
		{"cancel a registration", "DELETE", "/api/v1/registrations/1", "", 204, nil},
		{"cancelled", "GET", "/api/v1/registrations/1", "", 200, []string{`"state":"failed"`, "cancelled by admin"}},
		{"cancel it again", "DELETE", "/api/v1/registrations/1", "", 409, []string{"has ended already"}},
		{"log of no build", "GET", "/api/v1/modules/Hello/versions/release/build", "", 404, []string{"was not built here"}},
		{"no log", "GET", "/api/v1/registrations/7/log", "", 404, []string{"no registration 7"}},
		{"an unsigned hook", "POST", "/api/v1/hooks/push", "{}", 422, []string{"neither GitHub's hook nor GitLab's"}},
		{"no submitted jobspec", "GET", "/api/v1/services/" + string(v.ID) + "/jobspec", "", 404, []string{"no cluster keeps a jobspec"}},
		{"tag", "PUT", "/api/v1/modules/Hello/tags/beta", `{"version":"1.0.0"}`, 200, []string{id}},
		{"bad tag", "PUT", "/api/v1/modules/Hello/tags/1.x", `{"version":"1.0.0"}`, 422, []string{"1.x"}},
		{"empty tag", "PUT", "/api/v1/modules/Hello/tags/beta", `{}`, 422, []string{"version"}},
		{"services", "GET", "/api/v1/services", "", 200, []string{`"phase":"idle"`, `"default":true`}},
		{"service", "GET", "/api/v1/services/" + id, "", 200, []string{"all is well", `"definition"`}},
		{"no service", "GET", "/api/v1/services/dyn-x-00000000", "", 404, []string{"dyn-x-00000000"}},
		{"start", "POST", "/api/v1/services/" + id + "/start", "", 204, nil},
		{"scale", "POST", "/api/v1/services/" + id + "/scale", `{"count":2}`, 204, nil},
		{"scale above max", "POST", "/api/v1/services/" + id + "/scale", `{"count":11}`, 422, []string{"1 to 10"}},
		{"scale below zero", "POST", "/api/v1/services/" + id + "/scale", `{"count":-1}`, 422, []string{"body.count"}},
		{"unknown key", "POST", "/api/v1/services/" + id + "/scale", `{"cuont":1,"count":1}`, 422, []string{"cuont"}},
		{"stop", "POST", "/api/v1/services/" + id + "/stop", "", 204, nil},
		{"stop nobody", "POST", "/api/v1/services/dyn-x-00000000/stop", "", 404, nil},
		{"decisions", "GET", "/api/v1/services/" + id + "/decisions", "", 200, []string{"stopped by admin", "scaled to 2"}},
		{"logs", "GET", "/api/v1/services/" + id + "/logs", "", 200, []string{`{"alloc":"a1","stream":"stdout","text":"hello"}`}},
		{"nodes", "GET", "/api/v1/nodes", "", 200, []string{"n1"}},
		{"backup", "GET", "/api/v1/backup", "", 200, []string{"all there is"}},
		{"nowhere", "GET", "/nowhere", "", 404, []string{"/svc/"}},
		{"wrong method", "DELETE", "/api/v1/modules", "", 405, []string{"DELETE"}},
		{"plan of nothing", "POST", "/api/v1/plan", "not an archive", 422, []string{"tar.gz"}},
		{"no archive", "POST", "/api/v1/modules", "not an archive", 422, []string{"tar.gz"}},
		{"bad commit", "POST", "/api/v1/modules?commit=xyz", "x", 422, []string{"query.commit"}},
	}
	for _, tt := range tests {
		status, body, header := w.ask(t, tt.method, tt.path, tt.body)
		if status != tt.status {
			t.Errorf("%s: status = %d, want %d: %s", tt.name, status, tt.status, body)
		}
		for _, word := range tt.words {
			if !strings.Contains(body, word) {
				t.Errorf("%s: no %q in %s", tt.name, word, body)
			}
		}
		if status >= 400 && header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: an error of type %q", tt.name, header.Get("Content-Type"))
		}
	}
	if got := w.cluster.counts[v.ID]; got != 0 {
		t.Errorf("count after stop = %d", got)
	}
}

func TestABrokenServiceSaysWhyAtCountZero(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	w.cluster.loads = []service.Load{{ID: v.ID, Phase: service.Broken, Failure: &service.Failure{Cause: service.BadImage, Text: "no such image"}}}
	_, body, _ := w.ask(t, http.MethodGet, "/api/v1/services/"+string(v.ID), "")
	var got server.Detail
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Phase != service.Broken || got.Failure != "no such image" {
		t.Errorf("phase %q, failure %q; want broken and why", got.Phase, got.Failure)
	}
}

func TestUsageOfTheLastHour(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	at := func(ago time.Duration) service.Sample {
		return service.Sample{Service: v.ID, Start: time.Now().Add(-ago).Truncate(5 * time.Second), Width: service.Duration{Duration: 5 * time.Second},
			Calls: 4, Errors: 1, ColdStarts: 1, Latency: 400 * time.Millisecond, LatencyMax: 200 * time.Millisecond}
	}
	if err := w.db.AddSamples(t.Context(), []service.Sample{at(time.Minute), at(30 * time.Minute), at(2 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	_, body, _ := w.ask(t, http.MethodGet, "/api/v1/services/"+string(v.ID), "")
	want := `"usage":{"calls":8,"errors":2,"cold_starts":2,"latency":"100ms","latency_max":"200ms"}`
	if !strings.Contains(body, want) {
		t.Errorf("no %s in %s", want, body)
	}
}

func TestBundlesAreForNodesWithoutAToken(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	path := "/bundles/" + strings.TrimPrefix(v.Bundle, "sha256:") + ".tar.gz"
	if status, body, _ := w.askAs(t, "", http.MethodGet, path, ""); status != 200 || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("bundle: %d, %d bytes", status, len(body))
	}
	for _, path := range []string{"/bundles/..%2f..%2fdynsvc.db.tar.gz", "/bundles/" + strings.Repeat("0", 64) + ".tar.gz", "/bundles/"} {
		if status, _, _ := w.askAs(t, "", http.MethodGet, path, ""); status != 404 {
			t.Errorf("%s: status %d, want 404", path, status)
		}
	}
}

func TestHealth(t *testing.T) {
	w := open(t)
	for path, want := range map[string]int{"/healthz": 204, "/readyz": 204} {
		if status, body, _ := w.askAs(t, "", http.MethodGet, path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	w.cluster.fresh = false
	if status, body, _ := w.askAs(t, "", http.MethodGet, "/readyz", ""); status != 503 || !strings.Contains(body, "cluster") {
		t.Errorf("/readyz without a cluster: %d %s", status, body)
	}
	w.cluster.fresh = true
	close(w.cluster.leaving)
	for path, want := range map[string]int{"/healthz": 204, "/readyz": 503} {
		if status, body, _ := w.askAs(t, "", http.MethodGet, path, ""); status != want {
			t.Errorf("%s while stopping: %d %s", path, status, body)
		}
	}
}

func TestABackupThatFailsBreaksOff(t *testing.T) {
	w := open(t)
	w.cluster.full = errors.New("no space left on device")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/api/v1/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("half a backup was answered as a whole one")
	}
}

func TestConsoleNeedsTheTokenOnce(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	if status, body, _ := w.askAs(t, "", http.MethodGet, "/console", ""); status != 401 || strings.Contains(body, "Hello") {
		t.Errorf("console without a token: %d", status)
	}
	status, _, header := w.askAs(t, "", http.MethodGet, "/console?token="+url.QueryEscape(token), "")
	if status != 303 || header.Get("Location") != "/console" {
		t.Fatalf("console with a token: %d to %q", status, header.Get("Location"))
	}
	cookie := header.Get("Set-Cookie")
	for _, word := range []string{"Path=/console", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(cookie, word) {
			t.Errorf("cookie %q lacks %s", cookie, word)
		}
	}
	page := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", strings.Split(cookie, ";")[0])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for _, tt := range []struct {
		path   string
		status int
		words  []string
	}{
		{"/console", 200, []string{`href="/svc/Hello/"`, `href="/console/services/` + string(v.ID) + `"`}},
		{"/console/services/" + string(v.ID), 200, []string{"Says hello.", "name → greeting", "Its count has never changed"}},
		{"/console/services/dyn-nobody", 404, []string{"dyn-nobody"}},
		{"/api/v1/nodes", 401, nil}, // the cookie opens pages, not the API
	} {
		status, text := page(tt.path)
		if status != tt.status {
			t.Errorf("%s: %d %s", tt.path, status, text)
		}
		for _, word := range tt.words {
			if !strings.Contains(text, word) {
				t.Errorf("%s lacks %q:\n%s", tt.path, word, text)
			}
		}
	}
}
