// Command bench measures dynsvc beside the floor under it and the peers next to
// it, in one run on one machine, and prints one table. What counts is ratios:
// everything that is compared takes turns, round by round, and the table has the
// medians.
//
//	scripts/bench                 everything; root on Debian
//	scripts/bench warm            a call to a running service: Caddy, HAProxy, nginx, a bare proxy
//	scripts/bench shown           the same with metrics, access log and spans, and without
//	scripts/bench jobs            call jobs submitted and done: what the disk can sync
//	scripts/bench meshwarm        a call to a running service through Connect: HAProxy, nginx
//	scripts/bench tls             a call over TLS to a running service: Caddy, HAProxy, nginx
//	scripts/bench relay           a call through an agent that does not lead: Caddy, HAProxy, nginx before the leader
//	scripts/bench cold            first byte from zero on Nomad: a bare loop on the same Nomad
//	scripts/bench mesh            the same with Docker and Consul Connect
//	scripts/bench burst           1 000 calls at once on a cold service
//	scripts/bench idle            10 000 registered versions
//	scripts/bench thousand        1 000 services on the mock driver, 200 of them woken at once
//	scripts/bench go              the packages' own benchmarks that have budgets
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// bench is one run.
type bench struct {
	dynsvc string // the program
	answer string // the service of the cold parts
	dir    string // for what the run makes
	rounds int    // of a cold start
	slices int    // turns of each peer under load
	keep   bool
	// patience is how long the run still waits for a quiet machine.
	patience time.Duration
	servers  *cluster.Cluster // nil: no part has needed it yet
	table    table
}

var parts = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"warm", (*bench).warm},
	{"jobs", (*bench).jobs},
	{"go", (*bench).packages},
	{"shown", (*bench).shown},
	{"cold", (*bench).cold},
	{"mesh", (*bench).mesh},
	{"meshwarm", (*bench).meshWarm},
	{"tls", (*bench).tls},
	{"relay", (*bench).relay},
	{"burst", (*bench).burst},
	{"idle", (*bench).idle},
	{"thousand", (*bench).thousand},
}

func main() {
	// Children are told to end with the thread that started them, and this one
	// lives as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	b := &bench{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.dynsvc, "dynsvc", "", "the dynsvc program (scripts/bench gives it)")
	flags.StringVar(&b.answer, "answer", "", "the service of the cold parts (scripts/bench gives it)")
	flags.IntVar(&b.rounds, "rounds", 12, "cold starts of each kind")
	flags.IntVar(&b.slices, "slices", 7, "turns of each peer under each load")
	flags.DurationVar(&b.patience, "patience", 10*time.Minute, "how long to wait altogether for a machine that is not busy")
	flags.BoolVar(&b.keep, "keep", false, "keep the logs")
	bare := flags.String("bare-proxy", "", "only be the bare ReverseProxy to this address (with -listen)")
	listen := flags.String("listen", "", "see -bare-proxy")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bare != "" {
		return bareProxy(*listen, *bare)
	}
	if b.dir, err = os.MkdirTemp("", "dynsvc-bench"); err != nil {
		return err
	}
	defer func() {
		if b.keep {
			fmt.Fprintln(os.Stderr, "logs are in", b.dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(b.dir))
	}()
	defer func() {
		if b.servers != nil {
			err = errors.Join(err, b.servers.Stop())
		}
	}()
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(parts, func(p struct {
			name string
			run  func(*bench, context.Context) error
		}) bool {
			return p.name == name
		}) {
			return fmt.Errorf("no part is named %s", name)
		}
	}
	for _, p := range parts {
		if flags.NArg() > 0 && !slices.Contains(flags.Args(), p.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "==> %s\n", p.name)
		if err := p.run(b, ctx); err != nil {
			b.keep = true
			b.table.print(os.Stdout)
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.table.print(os.Stdout)
	return nil
}

// cluster starts the servers when the first part needs them.
func (b *bench) cluster(ctx context.Context) (*cluster.Cluster, error) {
	if b.servers == nil {
		c, err := cluster.Start(ctx, cluster.Options{Dir: filepath.Join(b.dir, "cluster"), Progress: os.Stderr})
		if err != nil {
			return nil, err
		}
		b.servers = c
	}
	return b.servers, nil
}

// note prints what a round gave, as the run goes on.
func note(format string, args ...any) {
	fmt.Fprintln(os.Stderr, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}
