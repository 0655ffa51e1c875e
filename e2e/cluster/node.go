package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// KillNode takes a node away at once, as a loss of power would: its Nomad client,
// all that it has started, and its Consul agent. The agent that bridge networks
// talk to stays, since it stands for that of every node (see startConsul).
// Containers stay too: they are the Docker daemon's.
func (c *Cluster) KillNode(class string) error {
	p, err := c.process("nomad-" + class)
	if err != nil {
		return err
	}
	// A frozen client starts nothing while its children are listed.
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	started := descendants(p.cmd.Process.Pid)
	errs := []error{c.Kill("nomad-" + class)}
	for _, pid := range started {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("kill %d of node %s: %w", pid, class, err))
		}
	}
	if class != Classes[0] {
		errs = append(errs, c.Kill("consul-"+class))
	}
	return errors.Join(errs...)
}

// StartNode brings a killed node back, with its old data, and returns when the
// whole cluster is ready again.
func (c *Cluster) StartNode(ctx context.Context, class string) error {
	for _, name := range []string{"consul-" + class, "nomad-" + class} {
		p, err := c.process(name)
		if err != nil {
			return err
		}
		if p.running() {
			continue
		}
		if err := c.spawn.start(p); err != nil {
			return err
		}
	}
	return c.awaitReady(ctx)
}

// descendants are the processes that a process has started, and theirs.
func descendants(pid int) (pids []int) {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc") // without /proc there is nothing to find
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat") // ended meanwhile: empty
		// The parent is the second word after the name, which may hold any.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	for open := children[pid]; len(open) > 0; open = open[1:] {
		pids = append(pids, open[0])
		open = append(open, children[open[0]]...)
	}
	return pids
}
