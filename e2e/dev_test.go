//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDevWorksFromACleanClone is what a new user does: clone, one command, and
// the calls it prints. No Nomad, no Consul, no root.
func TestDevWorksFromACleanClone(t *testing.T) {
	t.Parallel()
	clone := filepath.Join(t.TempDir(), "clone")
	tool(t, "", "git", "clone", "--quiet", "..", clone)
	data := filepath.Join(t.TempDir(), "data")
	d := startDev(t, clone, data)

	// The commands of the documentation: curl, and nothing of ours.
	text := tool(t, "", "curl", "-sS", "--fail-with-body", d.URL+"/svc/FilterContigs", "-d",
		`{"version": "1.1", "id": "1", "method": "FilterContigs.filter_contigs", "params": [{"fasta": ">a\nACGTACGT\n>b\nAC\n", "min_length": 4}]}`)
	var reply struct{ Result []contigs }
	if err := json.Unmarshal([]byte(text), &reply); err != nil || len(reply.Result) != 1 {
		t.Fatalf("filter_contigs answered %q (%v)", text, err)
	}
	if got, want := reply.Result[0], (contigs{2, 1, 1, 8, ">a\nACGTACGT\n"}); got != want {
		t.Errorf("filter_contigs = %+v, want %+v", got, want)
	}
	if page := tool(t, "", "curl", "-sS", "--fail-with-body", d.URL+"/svc/TreeBrowser/"); !strings.Contains(strings.ToLower(page), "<html") {
		t.Errorf("TreeBrowser's page is none: %.300s", page)
	}
	// Both run side by side, as the commands of a person in that folder see it.
	out := tool(t, "", dynsvc, "status", "-json", "-addr", d.URL, "-token", d.Token)
	var all []struct {
		Module string
		Ready  int
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ready := map[string]int{}
	for _, s := range all {
		ready[s.Module] += s.Ready
	}
	if ready["FilterContigs"] != 1 || ready["TreeBrowser"] != 1 {
		t.Errorf("ready instances = %v, want one of each example", ready)
	}

	family := d.family(t)
	if len(family) < 4 { // go run, dynsvc, and a process of each module
		t.Fatalf("processes = %v, want those of two services too", family)
	}
	d.interrupt(t)
	waitFor(t, "every process to end", 10*time.Second, func(context.Context) error {
		var left []string
		for pid, started := range family {
			if begun, ok := startOf(pid); ok && begun == started {
				command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				left = append(left, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
			}
		}
		if len(left) > 0 {
			return errors.New("left are " + strings.Join(left, ", "))
		}
		return nil
	})
}

// dev is a running `go run ./cmd/dynsvc dev`.
type dev struct {
	URL, Token string

	cmd  *exec.Cmd
	done chan struct{}
	out  string // file with its output
}

// startDev starts it as the leader of a group, as a shell does.
func startDev(t *testing.T, clone, data string) *dev {
	t.Helper()
	cmd := exec.Command("go", "run", "./cmd/dynsvc", "dev", "-addr", "127.0.0.1:0", "-data", data)
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), servers.Env())
	return runDev(t, cmd, data)
}

// runDev starts a command that is dynsvc dev, with its folder.
func runDev(t *testing.T, cmd *exec.Cmd, data string) *dev {
	t.Helper()
	d := &dev{done: make(chan struct{}), out: filepath.Join(t.TempDir(), "out")}
	out, err := os.Create(d.out)
	if err != nil {
		t.Fatal(err)
	}
	d.cmd = cmd
	d.cmd.Stdout, d.cmd.Stderr = out, out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = errors.Join(d.cmd.Wait(), out.Close()) // go run says "signal: interrupt"
		close(d.done)
	}()
	t.Cleanup(func() {
		select {
		case <-d.done:
		default:
			_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) // the test has failed already
			<-d.done
		}
		if t.Failed() {
			text, _ := os.ReadFile(d.out) // there may be none
			t.Logf("dynsvc dev said:\n%s", text)
		}
	})
	waitFor(t, "dev.json", 3*time.Minute, func(ctx context.Context) error {
		select {
		case <-d.done:
			return errors.New("dynsvc dev has ended")
		default:
		}
		f, err := os.Open(filepath.Join(data, "dev.json"))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		text, err := io.ReadAll(f)
		if err := errors.Join(err, json.Unmarshal(text, d)); err != nil {
			return err
		}
		return answers(ctx, d.URL+"/readyz")
	})
	return d
}

// interrupt does what Ctrl-C does: the whole group gets the signal.
func (d *dev) interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-d.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.done:
	case <-time.After(40 * time.Second):
		t.Fatal("dynsvc dev did not end after Ctrl-C")
	}
}

// family is every process that descends from it, with the moment it started in,
// by which a process id that is used again is told from the one before.
func (d *dev) family(t *testing.T) map[int]string {
	t.Helper()
	parents := map[int]int{}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(filepath.Base(e))
		if err != nil {
			continue
		}
		if fields, ok := statOf(pid); ok {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	all := map[int]string{}
	for pid := range parents {
		for up := pid; up > 1; up = parents[up] {
			if up == d.cmd.Process.Pid {
				all[pid], _ = startOf(pid)
				break
			}
		}
	}
	return all
}

func startOf(pid int) (string, bool) {
	fields, ok := statOf(pid)
	if !ok || fields[0] == "Z" {
		return "", false
	}
	return fields[19], true
}

// statOf are the fields of /proc/PID/stat from the state on.
func statOf(pid int) ([]string, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, false
	}
	// The name before them stands in brackets and may hold any character.
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), true
}

// tool runs a program that has to succeed and returns what it printed.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return string(out)
}
