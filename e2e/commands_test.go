//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// TestCommandsOnALiveService goes through what a developer and an admin do with
// a service that runs, by the commands' names as they are documented.
func TestCommandsOnALiveService(t *testing.T) {
	t.Parallel()
	a := newAgent(t, meshed())
	v := a.register(container(t, "Commanded", "", "max = 3\n idle_after = \"5m\""))

	j := job(t, v)
	source, _, err := servers.Nomad.Jobs().Submission(*j.ID, int(*j.Version), query(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if got := a.do("jobspec", "render", "Commanded"); got != source.Source {
		t.Errorf("jobspec render differs from what Nomad has:\n%s\n---- Nomad:\n%s", got, source.Source)
	}
	if got := a.do("list"); !strings.Contains(got, "Commanded") || !strings.Contains(got, string(v.ID)) {
		t.Errorf("list = %s", got)
	}

	jobs := t.TempDir()
	file := filepath.Join(jobs, string(v.ID)+".nomad.hcl")
	a.do("jobspec", "export", jobs)
	if committed, err := os.ReadFile(file); err != nil || string(committed) != source.Source {
		t.Errorf("the exported job is not what Nomad has (%v):\n%s", err, committed)
	}
	a.do("jobspec", "verify", jobs)
	if err := os.WriteFile(file, []byte(strings.Replace(source.Source, "cpu", "cqu", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := a.cli("jobspec", "verify", jobs); code != 1 || !strings.Contains(out, "cqu") || !strings.Contains(stderr, "1 differ") {
		t.Errorf("verify of a changed file: exit code %d: %s%s", code, out, stderr)
	}

	logs := a.follow(t, "Commanded")
	var reply []json.RawMessage
	out := a.do("call", "Commanded", "echo", `["hello"]`)
	if err := json.Unmarshal([]byte(out), &reply); err != nil || len(reply) != 2 || inOneLine(string(reply[0])) != `[ "hello" ]` {
		t.Errorf("call printed %s (%v)", out, err)
	}
	const line = "listening on"
	if got := logs(); !strings.Contains(got, line) {
		t.Errorf("logs -f began with %q, want what the instance said first", got)
	}
	if got := a.do("logs", "Commanded"); !strings.Contains(got, line) {
		t.Errorf("logs = %q, want %q in it", got, line)
	}

	a.do("scale", "Commanded", "2")
	waitFor(t, "two instances whose checks pass", 20*time.Second, func(context.Context) error {
		d := a.status(v)
		passing := 0
		for _, e := range d.State.Endpoints {
			if e.Check == service.Passing {
				passing++
			}
		}
		if d.Ready != 2 || passing != 2 {
			return fmt.Errorf("%d are ready, %d passing of %+v", d.Ready, passing, d.State.Endpoints)
		}
		return nil
	})
	if got := a.do("status"); !strings.Contains(got, "2/2") {
		t.Errorf("status = %s, want 2/2 for the service", got)
	}
	if got := a.do("status", "Commanded"); !strings.Contains(got, "scaled to 2 by admin") {
		t.Errorf("status = %s, want the decision with its reason", got)
	}

	a.do("stop", "Commanded")
	waitFor(t, "the service to be gone", 30*time.Second, func(ctx context.Context) error { return emptied(ctx, v) })
	r, err := a.post(t.Context(), v, "echo")
	if err != nil {
		t.Fatal(err)
	}
	if r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "stopped by an admin") {
		t.Errorf("a call to a stopped service was answered with %d: %s", r.status, r.body)
	}
	wantCount(t, v, 0)
	a.do("start", "Commanded")
	a.calls(v)

	stdout, stderr, code := a.cli("status", "Nobody")
	if code != 1 || !strings.Contains(stderr, "Nobody") {
		t.Errorf("status of no module: exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stderr, code := a.cli("scale", "Commanded", "many"); code != 2 {
		t.Errorf("wrong usage: exit code %d, want 2: %s", code, stderr)
	}
}

// follow runs `dynsvc logs -f` and returns a function that waits for its first line.
func (a *agent) follow(t *testing.T, target string) func() string {
	t.Helper()
	cmd := exec.Command(dynsvc, "logs", "-f", target)
	cmd.Env = append(os.Environ(), "DYNSVC_ADDR="+a.url, "DYNSVC_TOKEN="+adminToken)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			select {
			case lines <- scan.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("interrupt logs -f: %v", err)
		}
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("logs -f, interrupted: %v, want exit code 0", err)
		}
	})
	return func() string {
		t.Helper()
		select {
		case line := <-lines:
			return line
		case <-time.After(15 * time.Second):
			t.Error("logs -f printed nothing")
			return ""
		}
	}
}

// TestACountThatSomebodyElseSetsIsAdopted changes a count behind the agent's back.
func TestACountThatSomebodyElseSetsIsAdopted(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("Adopted", "", "max = 3\n idle_after = \"2s\""))
	if _, _, err := servers.Nomad.Jobs().Scale(string(v.ID), "app", new(2), "an admin was here", false, nil, nil); err != nil {
		t.Fatal(err)
	}
	d := a.wantDecision(v, service.KindAdopted)
	if d.From != 0 || d.To != 2 {
		t.Errorf("decision = %+v, want one from 0 to 2", d)
	}
	a.calls(v)
	// It is kept, though nobody calls for longer than idle_after.
	waitFor(t, "an idle time longer than idle_after", 20*time.Second, func(context.Context) error {
		if idle := time.Since(a.status(v).Load.LastBusy); idle < 4*time.Second {
			return fmt.Errorf("idle for %s", idle)
		}
		return nil
	})
	wantCount(t, v, 2)
}

// TestEveryDriverAnswersThroughTheMesh starts the same program by each driver.
func TestEveryDriverAnswersThroughTheMesh(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"docker", "exec", "raw_exec"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			a := newAgent(t, strings.Replace(meshed(), `["docker", "exec", "raw_exec"]`, fmt.Sprintf("[%q]", driver), 1))
			m := program("Meshed_"+driver, "", `idle_after = "5m"`)
			if driver == "docker" {
				m = container(t, "Meshed_docker", "", `idle_after = "5m"`)
			}
			v := a.register(m)
			_, r := a.calls(v)
			wantColdStart(t, r)
			t.Logf("cold call: %s (%s)", r.took, r.header.Get("Server-Timing"))
			j := job(t, v)
			if i := slices.IndexFunc(j.TaskGroups[0].Tasks, func(task *nomad.Task) bool { return task.Name == "app" }); i < 0 || j.TaskGroups[0].Tasks[i].Driver != driver {
				t.Errorf("it is not run by %s", driver)
			}
		})
	}
}
