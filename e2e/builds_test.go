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
	"os"
	"os/exec"
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

// baseImagesOf are the base images of what init writes for a language.
var baseImagesOf = map[string]func() error{
	"python": baseImages,
	"go": sync.OnceValue(func() error {
		return servers.GoImage(context.Background(), "golang:1.26", "github.com/dynsvc/dynsvc/sdk")
	}),
	"javascript": sync.OnceValue(func() error {
		return servers.NodeImages(context.Background(), "node:24-slim", "gcr.io/distroless/nodejs24-debian12:nonroot")
	}),
}

// TestLaidOutModulesAreBuilt builds the Dockerfiles that init writes, as they are, and
// runs what they give: small images without root, and in two languages without a shell.
func TestLaidOutModulesAreBuilt(t *testing.T) {
	t.Parallel()
	const job, password = "build-laid-out", "p4ss \"word\" $x"
	a := newAgent(t, builders(job, ""))
	t.Cleanup(func() { forgetRuns(t, job) })
	// What opens the registry is the push's alone. This registry is open, and takes any log-in.
	secret := nomad.NewVariable("nomad/jobs/" + job + "/build/push")
	secret.Items = nomad.VariableItems{"username": "builder", "password": password}
	if _, _, err := servers.Nomad.Variables().Create(secret, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := servers.Nomad.Variables().Delete(secret.Path, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("languages", func(t *testing.T) { // ends before the agent does
		for lang, base := range baseImagesOf {
			t.Run(lang, func(t *testing.T) {
				t.Parallel()
				if err := base(); err != nil {
					t.Fatal(err)
				}
				own := *a
				own.t = t
				a := &own
				name := "Laid_out_" + lang
				dir := filepath.Join(t.TempDir(), "module")
				a.do("init", name, "-lang", lang, "-image", "-o", dir)
				v := a.registerDir(dir)
				if !strings.HasPrefix(v.Run.Image, servers.Registry+"/dynsvc/laid-out-"+lang+"@sha256:") || v.Run.Command != "" {
					t.Errorf("run %+v", v.Run)
				}
				log := a.do("logs", "-build", name+"@dev")
				if _, pushing, _ := strings.Cut(log, "\npushing "); !strings.Contains(pushing, "Login Succeeded") || strings.Contains(log, password) {
					t.Errorf("the push did not log in, or told how:\n%s", log)
				}
				if got := inOneLine(a.do("call", name+"@dev", "hello", "-p", "name=Ada", "-p", "greeting=Ahoy")); got != `[ "Ahoy, Ada" ]` {
					t.Errorf("hello gave %s", got)
				}
				image := dockerFor(t, "image", "inspect", "--format", "{{.Config.User}} {{.Size}}", v.Run.Image)
				user, size, _ := strings.Cut(image, " ")
				if !strings.HasPrefix(user, "65532") {
					t.Errorf("it runs as %q", user)
				}
				t.Logf("the image has %s bytes", size)
				if lang == "python" {
					return
				}
				shell := exec.CommandContext(t.Context(), "docker", "--host", servers.DockerHost, "run", "--rm", "--entrypoint", "/bin/sh", v.Run.Image, "-c", "true")
				if out, err := shell.CombinedOutput(); err == nil || !strings.Contains(string(out), "/bin/sh") {
					t.Errorf("the image has a shell: %s (%v)", out, err)
				}
			})
		}
	})
}

// TestABuildThatFailsSaysWhy registers folders whose images cannot be had.
func TestABuildThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	const fromBase = "FROM python:3-slim\n"
	tests := []struct {
		name, dockerfile string
		replace          [2]string // in the configuration
		want             []string
	}{
		{"step", fromBase + "RUN echo on the way && echo to nowhere >&2 && exit 3\n", [2]string{}, []string{"the Dockerfile failed at step 2/2, RUN echo on the way", "to nowhere", "non-zero code: 3"}},
		{"base", "FROM " + servers.Registry + "/nothing:1\n", [2]string{}, []string{"the Dockerfile failed at step 1/1, FROM " + servers.Registry + "/nothing:1", "not found"}},
		{"syntax", "FRAM scratch\n", [2]string{}, []string{"docker build failed before its first step", "unknown instruction: FRAM"}},
		{"time", fromBase + "RUN sleep 600\n", [2]string{"timeout = \"2m\"", "timeout = \"3s\""}, []string{"was not built in the time that the operator allows at step 2/2, RUN sleep 600"}},
		{"push", "FROM scratch\nCOPY echo /\n", [2]string{servers.Registry + "/dynsvc", "127.0.0.1:9/dynsvc"}, []string{"the image was built, but the registry did not take it", "connection refused"}},
		{"class", "FROM scratch\nCOPY echo /\n", [2]string{`"highmem"`, `"forge"`}, []string{`images are built on nodes of the class "forge", and none is ready`}},
		{"memory", "FROM scratch\nCOPY echo /\n", [2]string{"memory      = 100", "memory = 9999999\nwait_for_node = \"4s\"\n"}, []string{"waiting: no node can take it now: memory exhausted on 1 node", "was not built within 10s, the wait for a builder node included"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := "build-fails-" + tt.name
			config := builders(job, "timeout = \"2m\"")
			if tt.name == "memory" {
				config = builders(job, "timeout = \"3s\"")
			}
			if tt.replace[0] != "" {
				if !strings.Contains(config, tt.replace[0]) {
					t.Fatalf("the configuration has no %q", tt.replace[0])
				}
				config = strings.Replace(config, tt.replace[0], tt.replace[1], 1)
			}
			a := newAgent(t, config)
			t.Cleanup(func() { forgetRuns(t, job) })
			_, stderr, code := a.cli("register", dockerfile(t, "Fails_"+tt.name, tt.dockerfile))
			if code == 0 {
				t.Error("it was registered")
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("nothing says %q:\n%s", want, stderr)
				}
			}
			if left := runsOf(t, job); len(left) > 0 {
				t.Errorf("runs are left: %+v", left)
			}
		})
	}
}

// TestABuildOutlivesItsAgent kills the agent in the middle of a build: what it was
// for has failed with a reason, and who asks again gets the image of that build.
func TestABuildOutlivesItsAgent(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	const job = "build-outlives"
	a := newAgent(t, builders(job, ""))
	t.Cleanup(func() { forgetRuns(t, job) })
	repo := newRepository(t, dockerfile(t, "Outlives", "FROM python:3-slim\nRUN sleep 8\nCOPY echo /\nENTRYPOINT [\"/echo\"]\n"))
	repo.commit("first")
	p := a.pull(repo.url)
	waitFor(t, "the build to run", time.Minute, func(context.Context) error {
		if _, log := a.pulled(p.ID); !strings.Contains(log, "RUN sleep 8") {
			return fmt.Errorf("its log is %q", log)
		}
		return nil
	})
	before := runsOf(t, job)
	a.kill()
	a.start()
	p, _ = a.pulled(p.ID)
	if p.State != store.PullFailed || !strings.Contains(p.Error, "register it again") {
		t.Errorf("the registration is %+v", p)
	}
	if now := runsOf(t, job); len(before) != 1 || len(now) != 1 || now[0].ID != before[0].ID {
		t.Errorf("runs before %+v and after %+v", before, now)
	}
	out := a.do("register", "-git", repo.url, "-json")
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	if _, log := a.pulled(p.ID); strings.Count(log, "building ") != 1 || !strings.Contains(log, "Step 2/4 : RUN sleep 8") {
		t.Errorf("the log of the second registration:\n%s", log)
	}
	v := a.dev("Outlives")
	a.calls(v)
	if out := a.do("logs", "-build", "Outlives"+"@dev"); !strings.Contains(out, "RUN sleep 8") || !strings.Contains(out, "built "+v.Run.Image) {
		t.Errorf("the kept log:\n%s", out)
	}
}

// TestABuildIsCancelled ends one by its registration: nothing of it goes on.
func TestABuildIsCancelled(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	const job = "build-cancelled"
	a := newAgent(t, builders(job, ""))
	t.Cleanup(func() { forgetRuns(t, job) })
	repo := newRepository(t, dockerfile(t, "Cancelled", "FROM python:3-slim\nRUN sleep 6001\n"))
	repo.commit("first")
	p := a.pull(repo.url)
	waitFor(t, "the build to run", time.Minute, func(context.Context) error { return running("sleep 6001") })
	a.do("register", "-cancel", fmt.Sprint(p.ID))
	waitFor(t, "the build to be gone", time.Minute, func(context.Context) error {
		if err := running("sleep 6001"); err == nil {
			return fmt.Errorf("it still runs")
		}
		if left := runsOf(t, job); len(left) > 0 {
			return fmt.Errorf("Nomad has %s", left[0].ID)
		}
		return nil
	})
	p, _ = a.pulled(p.ID)
	if p.State != store.PullFailed || p.Error != "cancelled by admin" {
		t.Errorf("the registration is %+v", p)
	}
}

// running is nil while a program with this command line runs on this machine.
func running(line string) error {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(strings.ReplaceAll(string(text), "\x00", " "), line) {
			return nil
		}
	}
	return fmt.Errorf("no program runs %s", line)
}
