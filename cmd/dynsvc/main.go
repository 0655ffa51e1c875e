// Command dynsvc is the whole product in one binary: the agent that wakes,
// places, routes and scales services, the same on a laptop without a cluster,
// and every command for admins and module developers. This package only wires:
// what it connects lives in the packages beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // windows name time zones, which a small image does not have

	"github.com/dynsvc/dynsvc/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(longFlags(root, args))
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "dynsvc: %v\n", err)
	}
	return exitCode(err)
}

// errUsage marks a command line that cannot be understood.
var errUsage = errors.New("usage")

// exitCode is the one place that turns a kind of error into an exit code: 0 done,
// 1 refused or failed, 2 wrong usage.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		return 1
	}
}

func usagef(format string, args ...any) error { return service.Errorf(errUsage, format, args...) }
