//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dockerFor is Docker's program on the cluster's daemon.
func dockerFor(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(tool(t, "", "docker", append([]string{"--host", servers.DockerHost}, args...)...))
}

// TestDevBuildsAndRunsImages has an unmodified module of KBase, and one that init laid
// out, built and run by the Docker daemon that dev finds: with KBase's contract and the
// limits of a cluster, again after a crash, and with nothing left at the end.
func TestDevBuildsAndRunsImages(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	data, repo, laid := filepath.Join(home, "data"), filepath.Join(home, "kbmodule"), filepath.Join(home, "laid")
	if err := os.CopyFS(repo, os.DirFS(filepath.Join("testdata", "kbmodule"))); err != nil {
		t.Fatal(err)
	}
	start := func() *dev {
		if err := os.Remove(filepath.Join(data, "dev.json")); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		cmd := exec.Command(dynsvc, "dev", "-addr", "127.0.0.1:0", "-data", data, repo)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+servers.DockerHost)
		return runDev(t, cmd, data)
	}
	mine := func() []string {
		return strings.Fields(dockerFor(t, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label=dynsvc.local="+data))
	}
	t.Cleanup(func() { // what a test that failed before its end has left
		const remove = `docker ps --all --quiet --filter label=dynsvc.local="$0" | xargs --no-run-if-empty docker rm --force`
		cmd := exec.Command("sh", "-c", remove, data)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+servers.DockerHost)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("remove the containers: %v: %s", err, out)
		}
	})

	d := start()
	admin, user := d.kbaseToken(t, "kbaseadmin"), d.kbaseToken(t, "kbaseuser")
	rpcAs(t, admin, d.URL+"/services/catalog", "Catalog.set_secure_config_params", nil, map[string]any{"data": []any{
		map[string]any{"module_name": "KBReads", "version": "", "param_name": "Password", "is_password": 1, "param_value": "100% sure"}}})
	d.readsAs(t, user)

	// What the container is.
	all := mine()
	if len(all) != 1 {
		t.Fatalf("containers %v, want one", all)
	}
	var is []struct {
		Config     struct{ Env []string }
		HostConfig struct {
			Memory, CPUShares int64
			PortBindings      map[string][]struct{ HostIP string }
		}
	}
	if err := json.Unmarshal([]byte(dockerFor(t, "inspect", all[0])), &is); err != nil {
		t.Fatal(err)
	}
	var version struct {
		Run       struct{ Image string }
		Resources struct{ CPU, Memory int64 }
	}
	if err := json.Unmarshal([]byte(d.do(t, "/api/v1/modules/KBReads/versions/dev")), &version); err != nil {
		t.Fatal(err)
	}
	host := is[0].HostConfig
	if host.Memory != version.Resources.Memory<<20 || host.CPUShares != version.Resources.CPU || version.Resources.Memory == 0 {
		t.Errorf("limits are %d bytes and %d shares, of a version with %+v", host.Memory, host.CPUShares, version.Resources)
	}
	if at := host.PortBindings["5000/tcp"]; len(at) != 1 || at[0].HostIP != "127.0.0.1" {
		t.Errorf("its port is published at %+v, want loopback alone", at)
	}
	if env := strings.Join(is[0].Config.Env, "\n"); !strings.Contains(env, "\nKBASE_ENDPOINT=") && !strings.HasPrefix(env, "KBASE_ENDPOINT=") || strings.Contains(env, "DOCKER_HOST") {
		t.Errorf("its environment is\n%s", env)
	}
	if out := d.cli(t, "logs", "KBReads"); !strings.Contains(out, "listening on 5000") {
		t.Errorf("its log is %q", out)
	}
	if out := d.cli(t, "logs", "-build", "KBReads@dev"); !strings.Contains(out, "make all") || !strings.Contains(out, "built dynsvc.local/kbreads:") {
		t.Errorf("the log of its build is %q", out)
	}

	// A module with a command beside its Dockerfile is what it is in production.
	d.cli(t, "init", "Laid_local", "-lang", "python", "-o", laid)
	change(t, laid, "module.hcl", "    command = ", "    dockerfile = \"Dockerfile\"\n    command = ")
	if out := d.cli(t, "register", laid); !strings.Contains(out, "Registered Laid_local 0.1.0") {
		t.Errorf("register said %q", out)
	}
	if got := inOneLine(d.cli(t, "call", "Laid_local@dev", "hello", "-p", "name=Ada")); got != `[ "Hello, Ada" ]` {
		t.Errorf("hello gave %s", got)
	}
	if n := len(mine()); n != 2 {
		t.Errorf("%d containers, want two", n)
	}

	// A crash leaves them; who comes next in the same folder does not. An image that was
	// cleaned away is built again.
	if err := syscall.Kill(d.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-d.done
	left := mine()
	if len(left) != 2 {
		t.Errorf("%d containers outlive a crash, want two: this proves nothing else", len(left))
	}
	dockerFor(t, append([]string{"rm", "--force"}, left...)...) // their images could not be removed else
	dockerFor(t, "run", "--detach", "--label", "dynsvc.local="+data, "python:3-slim", "/usr/bin/python3", "-c", "import time; time.sleep(600)")
	dockerFor(t, "image", "rm", "--force", version.Run.Image)
	d = start()
	if left := mine(); len(left) != 0 {
		t.Errorf("containers of the crash are left: %v", left)
	}
	d.readsAs(t, d.kbaseToken(t, "kbaseuser")) // it follows from dev.json, which is another
	d.interrupt(t)
	if left := mine(); len(left) != 0 {
		t.Errorf("containers are left: %v", left)
	}
}

// readsAs calls the module of KBase as one of its clients, by the wizard's URL.
func (d *dev) readsAs(t *testing.T, token string) {
	t.Helper()
	var at serviceStatus
	rpcAs(t, token, d.URL+"/services/service_wizard", "ServiceWizard.get_service_status", &at, map[string]any{"module_name": "KBReads", "version": "dev"})
	var facts map[string]any
	rpcAs(t, token, at.URL, "KBReads.facts", &facts)
	_, port, _ := strings.Cut(strings.TrimPrefix(d.URL, "http://"), ":")
	want := map[string]any{"user": "kbaseuser", "endpoint": "http://host.docker.internal:" + port + "/services", "scratch": "/kb/module/work/tmp",
		"password": "100% sure", "whoami": "0 at /kb/module", "version": 1.0}
	for name, value := range want {
		if facts[name] != value {
			t.Errorf("%s = %v, want %v", name, facts[name], value)
		}
	}
}

// kbaseToken is the token of one of dev's users, as dev prints it.
func (d *dev) kbaseToken(t *testing.T, user string) (token string) {
	t.Helper()
	waitFor(t, "dev to say what it is", 20*time.Second, func(context.Context) error {
		text, err := os.ReadFile(d.out)
		_, after, found := strings.Cut(string(text), "of "+user+" ")
		if err == nil && !found {
			err = errors.New("it has not")
		}
		if err == nil {
			token = strings.FieldsFunc(after, func(r rune) bool { return strings.ContainsRune(",) \n", r) })[0]
		}
		return err
	})
	return token
}

// cli is a command of the program on this agent.
func (d *dev) cli(t *testing.T, args ...string) string {
	t.Helper()
	return tool(t, "", dynsvc, append(args, "-addr", d.URL, "-token", d.Token)...)
}

// do reads from its API.
func (d *dev) do(t *testing.T, path string) string {
	t.Helper()
	return tool(t, "", "curl", "-sS", "--fail-with-body", "-H", "Authorization: Bearer "+d.Token, d.URL+path)
}
