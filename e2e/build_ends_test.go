//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

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
