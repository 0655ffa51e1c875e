package nomad

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

const (
	lastLines = 20
	// lastLinesWait bounds how long a failure is not called final because its last
	// lines are not here yet.
	lastLinesWait = 2 * time.Second
)

// askLastLines has the last lines of a program that failed fetched, once a
// failure, beside the watch. They join the failure when they are here.
func (c *Cluster) askLastLines(id service.ID, alloc string) {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	in := c.mem.find(id, alloc)
	if in == nil || in.asked || in.failure == nil {
		return
	}
	in.asked = true
	if in.task == "" {
		c.mem.setLastLines(id, in, nil)
		return
	}
	at, name := in.failure.At, in.task
	ok := c.aside(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lastLinesWait)
		defer cancel()
		lines := c.lastLines(ctx, alloc, name)
		c.mem.mu.Lock()
		defer c.mem.mu.Unlock()
		if in := c.mem.find(id, alloc); in != nil && in.failure != nil && in.failure.At.Equal(at) {
			c.mem.setLastLines(id, in, lines)
		}
	})
	if !ok {
		c.mem.setLastLines(id, in, nil)
	}
}

// lastLines reads what a task last printed; errors make it less, not fail: the
// failure itself is what matters. What it printed as errors comes last.
func (c *Cluster) lastLines(ctx context.Context, alloc, name string) []string {
	var all []string
	for _, stream := range streams {
		err := c.readLog(ctx, logSource{alloc: alloc, task: name, stream: stream, tail: lastLines}, func(l service.LogLine) error {
			all = append(all, l.Text)
			return nil
		})
		if err != nil {
			c.log.Debug("last lines could not be read", "alloc", alloc, "error", err)
		}
	}
	return all[max(0, len(all)-lastLines):]
}

// find returns an instance; nil: it is not known any more. m.mu is held.
func (m *memory) find(id service.ID, alloc string) *instance {
	if e, ok := m.entries[id]; ok {
		return e.instances[alloc]
	}
	return nil
}

// setLastLines is called once a failure. m.mu is held.
func (m *memory) setLastLines(id service.ID, in *instance, lines []string) {
	if in.logged {
		return
	}
	in.asked, in.logged, in.log = true, true, lines
	m.touch(id)
}
