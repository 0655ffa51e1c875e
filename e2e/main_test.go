//go:build e2e

// Package e2e runs whole journeys on real servers: see e2e/cluster for what is
// started, and agent_test.go for what the journeys are told with. The tests need
// root and the build tag e2e; scripts/test e2e runs them.
//
// A journey has an agent and modules of its own, so journeys run side by side.
// Those that take a server away do not: they run first, alone.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// What TestMain has made for all tests.
var (
	servers *cluster.Cluster
	dynsvc  string // path of the built program
	echo    string // path of testdata/echo, built static
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, m)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// run starts the servers once, runs the tests, and stops the servers also when
// it is interrupted.
func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "dynsvc-e2e")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	dynsvc, echo = filepath.Join(dir, "dynsvc"), filepath.Join(dir, "echo")
	if err := build(ctx, dynsvc); err != nil {
		return 1, err
	}
	if err := cluster.BuildStatic(ctx, echo, "./testdata/echo"); err != nil {
		return 1, err
	}
	if servers, err = cluster.Start(ctx, cluster.Options{Progress: os.Stderr}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, servers.Stop()) }()

	done := make(chan int, 1)
	go func() { done <- m.Run() }()
	select {
	case code = <-done:
	case <-ctx.Done():
		return 1, context.Cause(ctx)
	}
	if code != 0 {
		servers.DumpLogs(os.Stderr)
	}
	return code, nil
}

// build makes the program under test, with the race detector where the tests
// have it.
func build(ctx context.Context, bin string) error {
	args := []string{"build", "-o", bin}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "../cmd/dynsvc")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build dynsvc: %w: %s", err, out)
	}
	return nil
}
