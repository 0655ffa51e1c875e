package local

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Explain says what runs, a line for each child, for a person to read.
func (r *Runtime) Explain(_ context.Context, id service.ID) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.units[id]
	if !ok {
		return []string{"not known to this machine: it is started by its first call"}, nil
	}
	lines := []string{fmt.Sprintf("%d wanted, %d running, in %s", u.count, len(u.instances), u.job.Dir)}
	for _, in := range u.instances {
		doing, what := "running", fmt.Sprintf("process %d", in.cmd.Process.Pid)
		if in.container != nil {
			what = "container " + in.container.name
		}
		if in.stopping {
			doing = "stopping"
		}
		lines = append(lines, fmt.Sprintf("instance %d (%s): %s on %s, %s for %s",
			in.index, in.alloc, what, in.addr, doing, time.Since(in.placed).Round(time.Second)))
	}
	if u.failure != nil {
		lines = append(lines, u.failure.Text)
		lines = append(lines, u.failure.Log...)
	}
	return lines, nil
}
