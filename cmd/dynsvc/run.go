package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// running is "dynsvc run".
type running struct {
	addr     string
	logLevel string
}

func newRun() *cobra.Command {
	c := &running{}
	cmd := &cobra.Command{
		Use:   "run [DIR]",
		Short: "Serve one module's folder, and again after each change",
		Long: `Serves the module in DIR (by default this folder) alone, in the folder itself, and
prints what it prints. When a file changes, the module is built, if its manifest
says how, the files that follow from its interface are written again, and it is
started anew: calls in flight are answered by the old one. A fault is printed and
the module goes on as it was.

Calls are checked against the interface: what does not fit is refused with its
place. Other commands in this folder find the agent by themselves.`,
		Example: `  dynsvc run
  dynsvc run ./mymodule -addr 127.0.0.1:0`,
		Args: between(0, 1, "at most a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), folderOf(args), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.addr, "addr", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&c.logLevel, "log-level", "warn", "trace, debug, info, warn or error")
	return cmd
}

func (c *running) run(ctx context.Context, dir string, stdout, stderr io.Writer) error {
	log, err := logger(c.logLevel, stderr)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	home := filepath.Join(dir, ".dynsvc")
	release, err := lockFolder(home)
	if err != nil {
		return err
	}
	defer release()
	data := filepath.Join(home, "alone")
	if err := forget(data); err != nil {
		return err
	}
	agent, err := openLocal(ctx, localSetup{log: log, addr: c.addr, data: data, place: dir, noDocker: withoutDocker(dir)})
	if err != nil {
		return err
	}
	return agent.run(ctx, func(ctx context.Context) error {
		out := &lines{out: stdout}
		live := &live{localAgent: agent, dir: dir, out: out}
		if err := live.begin(ctx); err != nil {
			return errors.Join(err, agent.closeListeners())
		}
		if err := writeDevFile(home, agent.dev); err != nil {
			return errors.Join(err, agent.closeListeners())
		}
		out.printf("%s is served at %s/svc/%s. It starts again after each change; Ctrl-C stops it.\n", live.version.Module, agent.dev.URL, live.version.Module)
		var following sync.WaitGroup
		defer following.Wait()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		following.Go(func() { live.watch(ctx) })
		return agent.serve(ctx, agent.listen())
	})
}

// forget removes what an earlier run has registered. The records of its children
// stay: they are ended by who opens the folder.
func forget(data string) error {
	for _, name := range []string{"dynsvc.db", "dynsvc.db-wal", "dynsvc.db-shm", "bundles"} {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			return err
		}
	}
	return nil
}

// live is a module that is served from its author's folder.
type live struct {
	*localAgent
	dir     string
	out     *lines
	watcher *workshop.Watcher
	version service.Version // that runs
	follow  context.CancelFunc
}

// begin serves the folder as it is. Any fault is an error.
func (m *live) begin(ctx context.Context) (err error) {
	if m.watcher, err = workshop.NewWatcher(m.dir); err != nil {
		return err
	}
	if err := m.load(ctx); err != nil {
		return err
	}
	return m.engine.Start(ctx, m.version.ID, "dynsvc run")
}

// load builds and registers the folder.
func (m *live) load(ctx context.Context) error {
	if _, err := regenerate(m.dir, ""); err != nil && !errors.Is(err, service.ErrNotFound) && !errors.Is(err, errUsage) {
		return err // a module without generated files, or without interface, has nothing to generate
	}
	for again := true; again; {
		err := buildFolder(ctx, m.dir, m.out)
		if err != nil {
			return err
		}
		if again, err = m.watcher.Built(); err != nil {
			return err
		}
	}
	v, notices, err := m.registerFolder(ctx, m.dir, m.out)
	if err != nil {
		return err
	}
	if v.ID != m.version.ID {
		for _, n := range notices {
			m.out.printf("%s: %s\n", v.Module, n)
		}
	}
	m.version = v
	m.followLogs(ctx)
	return nil
}

// watchEvery is how often the folder is looked at, and how long it has to be
// quiet: editors write several files, and some of them twice.
const watchEvery = 300 * time.Millisecond

// watch serves the folder anew after each change, until ctx ends.
func (m *live) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var changed []string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		more, err := m.watcher.Changed()
		changed = append(changed, more...)
		switch {
		case err != nil:
			m.out.printf("%v\n", err)
		case len(more) > 0 || len(changed) == 0: // not quiet yet, or nothing new
		default:
			m.again(ctx, changed)
			changed = nil
		}
	}
}

// again replaces what runs by what is in the folder now.
func (m *live) again(ctx context.Context, changed []string) {
	before := m.version
	shown := strings.Join(changed[:min(3, len(changed))], ", ")
	if err := m.load(ctx); err != nil {
		m.out.printf("%s changed, and the module goes on as it was:\n%v\n", shown, err)
		return
	}
	// The old one first, which also ends it where the new one is the same
	// version: what it is made of may be more than what is registered.
	err := errors.Join(m.engine.Stop(ctx, before.ID, "dynsvc run"), m.engine.Start(ctx, m.version.ID, "dynsvc run"))
	if err != nil && ctx.Err() == nil {
		m.out.printf("start %s anew: %v\n", m.version.Module, err)
		return
	}
	m.out.printf("%s changed: %s %s is started anew.\n", shown, m.version.Module, m.version.Version)
}

// followLogs prints what the version that runs prints, in the place of the one before.
func (m *live) followLogs(ctx context.Context) {
	if m.follow != nil {
		m.follow()
	}
	ctx, m.follow = context.WithCancel(ctx)
	id := m.version.ID
	go func() {
		err := m.cluster.Logs(ctx, id, service.LogOptions{Follow: true}, func(l service.LogLine) error {
			m.out.printf("%s\n", l.Text)
			return nil
		})
		if err != nil && ctx.Err() == nil {
			m.out.printf("follow the output: %v\n", err)
		}
	}()
}

// lines lets several write whole lines to one output.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *lines) printf(format string, args ...any) { fmt.Fprintf(l, format, args...) }
