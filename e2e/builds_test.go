//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/auth/kbaseauth"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// builders has images built on the nodes of one class, by a job of the test's own.
func builders(job, more string) string {
	return fmt.Sprintf(`%s
defaults {
  cpu    = 100
  memory = 64
  disk   = 50
}

git { schemes = ["http"] }
builds {
  job         = %q
  registry    = "%s/dynsvc"
  class       = "highmem"
  docker_host = %q
  cpu         = 100
  memory      = 100
  %s
}`, plain, job, servers.Registry, servers.DockerHost, more)
}

// baseImages are the names of images that Dockerfiles here begin with.
var baseImages = sync.OnceValue(func() error {
	return servers.BaseImage(context.Background(), "kbase/sdkpython:3.8.0", "python:3-slim")
})

// runsOf are the builds that a job has now.
func runsOf(t *testing.T, job string) []*nomad.JobListStub {
	t.Helper()
	all, _, err := servers.Nomad.Jobs().List((&nomad.QueryOptions{Prefix: job + "/dispatch-"}).WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// forgetRuns removes a job and what was dispatched of it, where it was ever used.
func forgetRuns(t *testing.T, job string) {
	all, _, err := servers.Nomad.Jobs().List(&nomad.QueryOptions{Prefix: job})
	if err != nil {
		t.Error(err)
	}
	for _, j := range all {
		purge(t, service.ID(j.ID))
	}
}

// TestAKBaseRepositoryIsBuiltAndReleased takes a repository as KBase's authors have
// them from register_repo, through its image, to calls of a release.
func TestAKBaseRepositoryIsBuiltAndReleased(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	// Modules ask the auth service from their containers, so it listens on the bridge.
	people := kbaseauth.New(kbaseauth.User{Name: "ada"}, kbaseauth.User{Name: "root", CustomRoles: []string{"CATALOG_ADMIN"}})
	ada, root := people.Issue("ada", time.Hour), people.Issue("root", time.Hour)
	host, _, err := net.SplitHostPort(servers.BridgeAddr)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(people)
	if srv.Listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", host+":0"); err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Close)

	const job = "build-kbreads"
	a := newAgent(t, builders(job, "")+fmt.Sprintf("\nkbase {\n auth_url = %q\n admin_roles = [\"CATALOG_ADMIN\"]\n}", srv.URL))
	t.Cleanup(func() { forgetRuns(t, job) })
	repo := newRepository(t, filepath.Join("testdata", "kbmodule"))
	first := repo.commit("first")
	wizard, catalog := a.url+"/services/service_wizard", a.url+"/services/catalog"
	module := map[string]any{"module_name": "KBReads"}

	a.rpcAs(root, catalog, "Catalog.approve_developer", nil, "ada")
	register := func() (log string) {
		t.Helper()
		var id string
		a.rpcAs(ada, catalog, "Catalog.register_repo", &id, map[string]any{"git_url": repo.url})
		var build struct {
			Registration string
			Error        string `json:"error_message"`
			Log          []struct{ Content string }
		}
		waitFor(t, "the repository to be registered", 3*time.Minute, func(context.Context) error {
			a.rpcAs(ada, catalog, "Catalog.get_parsed_build_log", &build, map[string]any{"registration_id": id})
			if build.Registration == "complete" || build.Registration == "error" {
				return nil
			}
			return fmt.Errorf("it is %s", build.Registration)
		})
		for _, l := range build.Log {
			log += l.Content
		}
		if build.Registration != "complete" {
			t.Fatalf("%s: %s\n%s", build.Registration, build.Error, log)
		}
		return log
	}
	log := register()
	for _, want := range []string{"commit " + first, "Step 1/", "kbase/sdkpython:3.8.0", "make all", "pushing " + servers.Registry + "/dynsvc/kbreads:" + first, "built " + servers.Registry + "/dynsvc/kbreads@sha256:", "registered KBReads 0.0.1"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	dev := a.dev("KBReads")
	if !strings.HasPrefix(dev.Run.Image, servers.Registry+"/dynsvc/kbreads@sha256:") || dev.Commit != first {
		t.Errorf("run %+v of commit %s", dev.Run, dev.Commit)
	}
	if left := runsOf(t, job); len(left) > 0 {
		t.Errorf("runs are left: %+v", left)
	}
	if log := register(); strings.Contains(log, "Step ") {
		t.Errorf("the same commit was built twice:\n%s", log)
	}

	a.rpcAs(root, catalog, "Catalog.set_secure_config_params", nil, map[string]any{"data": []any{
		map[string]any{"module_name": "KBReads", "version": "", "param_name": "Password", "is_password": 1, "param_value": "100% sure"}}})
	var at serviceStatus
	a.rpcAs(ada, wizard, "ServiceWizard.get_service_status", &at, map[string]any{"module_name": "KBReads", "version": "dev"})
	var facts map[string]any
	a.rpcAs(ada, at.URL, "KBReads.facts", &facts)
	want := map[string]any{"user": "ada", "endpoint": a.url + "/services", "scratch": "/kb/module/work/tmp", "password": "100% sure", "whoami": "0 at /kb/module", "version": 1.0}
	for name, value := range want {
		if facts[name] != value {
			t.Errorf("%s = %v, want %v", name, facts[name], value)
		}
	}

	// dev, beta, release: asked for by its owner, reviewed by an admin.
	a.rpcAs(ada, catalog, "Catalog.push_dev_to_beta", nil, module)
	a.rpcAs(ada, catalog, "Catalog.request_release", nil, module)
	var asked []struct {
		Module string `json:"module_name"`
		Commit string `json:"git_commit_hash"`
	}
	a.rpcAs(root, catalog, "Catalog.list_requested_releases", &asked)
	if len(asked) != 1 || asked[0].Commit != first {
		t.Errorf("requests %+v", asked)
	}
	a.rpcAs(root, catalog, "Catalog.review_release_request", nil, map[string]any{"module_name": "KBReads", "decision": "approved"})

	// A second version goes to dev beside it.
	change(t, repo.dir, "kbase.yml", "module-version: 0.0.1", "module-version: 0.0.2")
	change(t, repo.dir, "lib/KBReads/KBReadsServer.py", "VERSION = 1", "VERSION = 2")
	second := repo.commit("second")
	if log := register(); !strings.Contains(log, "Step 1/") || !strings.Contains(log, "commit "+second) {
		t.Errorf("the second commit:\n%s", log)
	}
	a.dev("KBReads")

	released := func(version string) string {
		var found serviceStatus
		a.rpcAs(ada, wizard, "ServiceWizard.get_service_status", &found, map[string]any{"module_name": "kbreads", "version": version})
		return found.URL
	}
	registered := func(version string) string { return a.url + "/svc/KBReads@" + url.PathEscape(version) }
	for _, tt := range []struct {
		version string
		at      func(version string) string
		want    float64
	}{
		{"dev", released, 2}, {"beta", released, 1}, {"release", released, 1}, {"0.0.1", released, 1}, {">=0.0.1,<1.0.0", released, 1}, {first, released, 1}, {second, released, 2},
		{"dev", registered, 2}, {"beta", registered, 1}, {"release", registered, 1}, {"0.0.1", registered, 1}, {"<0.0.2", registered, 1}, {"^0", registered, 2}, {first[:10], registered, 1}, {second, registered, 2},
	} {
		at := tt.at(tt.version)
		var facts struct{ Version float64 }
		a.rpcAs(ada, at, "KBReads.facts", &facts)
		var bases int
		a.rpcAs("", at, "KBReads.count", &bases, []string{"ACGT", "GG"})
		if facts.Version != tt.want || bases != 6 {
			t.Errorf("%s at %s is answered by version %v, want %v; %d bases, want 6", tt.version, at, facts.Version, tt.want, bases)
		}
	}
}

// api asks the agent as its admin, and returns the answer; one that is JSON goes to to.
func (a *agent) api(method, path, body string, to any) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && to != nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil || res.StatusCode >= 300 {
		a.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
	}
	return string(text)
}

// pull asks for a registration from git.
func (a *agent) pull(url string) (p store.Pull) {
	a.t.Helper()
	a.api(http.MethodPost, "registrations", fmt.Sprintf(`{"git": %q}`, url), &p)
	return p
}

// pulled is how far a registration from git is, and what it said.
func (a *agent) pulled(id int64) (p store.Pull, log string) {
	a.t.Helper()
	path := fmt.Sprintf("registrations/%d", id)
	a.api(http.MethodGet, path, "", &p)
	return p, a.api(http.MethodGet, path+"/log", "", nil)
}

// dev is the version that the tag dev means. Its job is removed at the end of the test.
func (a *agent) dev(module string) (v service.Version) {
	a.t.Helper()
	a.api(http.MethodGet, "modules/"+module+"/versions/dev", "", &v)
	a.t.Cleanup(func() { purge(a.t, v.ID) })
	return v
}

// dockerfile is a module that is built, from nothing or from a base image.
func dockerfile(t *testing.T, name, text string) string {
	t.Helper()
	m := module{name: name, run: `dockerfile = "Dockerfile"`, files: map[string]string{"echo": echo}}
	dir := m.write(t)
	put(t, dir, "Dockerfile", text)
	return dir
}
