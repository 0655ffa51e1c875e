package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Names lists the processes, in the order in which they were started:
// consul-server, consul-<class>, docker, registry, nomad-server, nomad-<class>.
func (c *Cluster) Names() []string {
	names := make([]string, 0, len(c.procs))
	for _, p := range c.procs {
		names = append(names, p.name)
	}
	return names
}

// Run starts a program of the caller's beside the servers, under a name that the
// other calls know it by: it can be killed and started again, its log is with
// theirs, and Stop ends it.
func (c *Cluster) Run(name string, argv []string, env ...string) error {
	return c.run(name, argv, env...)
}

// run adds a process and starts it.
func (c *Cluster) run(name string, argv []string, env ...string) error {
	p := &process{
		name: name,
		argv: argv,
		env:  append(append(os.Environ(), c.slot.marker()), env...),
		log:  filepath.Join(c.logDir(), name+".log"),
	}
	if err := c.spawn.start(p); err != nil {
		return err
	}
	c.procs = append(c.procs, p)
	return nil
}

func (c *Cluster) process(name string) (*process, error) {
	for _, p := range c.procs {
		if p.name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no process is named %s; there are %v", name, c.Names())
}

// Pause freezes a process: its connections stay open and nothing answers.
func (c *Cluster) Pause(name string) error { return c.send(name, syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (c *Cluster) Resume(name string) error { return c.send(name, syscall.SIGCONT) }

// Kill ends a process without warning, and returns when it is gone. The tasks
// of a killed Nomad client live on, as they do on a real node.
func (c *Cluster) Kill(name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// StopProcess ends a process in good order.
func (c *Cluster) StopProcess(name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.stop(20 * time.Second)
}

// StartProcess starts a stopped or killed process again, with its old data, and
// returns when the whole cluster is ready again; so all others must run.
func (c *Cluster) StartProcess(ctx context.Context, name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	if p.running() {
		return fmt.Errorf("start %s: it is running", name)
	}
	if err := c.spawn.start(p); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func (c *Cluster) send(name string, sig syscall.Signal) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.signal(sig)
}

// Logs returns what a process has written so far.
func (c *Cluster) Logs(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.logDir(), name+".log"))
	if err != nil {
		return "", fmt.Errorf("read the log of %s: %w", name, err)
	}
	return string(text), nil
}

// DumpLogs prints the last lines of every process's log, for a failed test.
func (c *Cluster) DumpLogs(w io.Writer) {
	const tail = 16 << 10
	for _, name := range c.Names() {
		text, err := c.Logs(name)
		if err != nil {
			text = err.Error()
		}
		if len(text) > tail {
			text = "…" + text[len(text)-tail:]
		}
		fmt.Fprintf(w, "---- %s\n%s\n", name, text)
	}
}

// Env marks a process that a test starts beside the cluster as part of it: what
// a test that was killed has left running is ended with the rest.
func (c *Cluster) Env() string { return c.slot.marker() }
