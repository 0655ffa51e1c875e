package nomad

import (
	"context"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// verdictWait is how long the event that says whether a raise could be placed may
// take before its evaluation is read.
const verdictWait = 300 * time.Millisecond

// placement is a raise whose instances are to be placed.
type placement struct {
	id       service.ID
	eval     string
	revision uint64
	due      time.Time
}

// lookAtPlacements reads the evaluations of raises that no event told about.
func (c *Cluster) lookAtPlacements(ctx context.Context) error {
	var waiting []placement // by due
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if len(waiting) > 0 {
			timer.Reset(time.Until(waiting[0].due))
		}
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.placed:
			waiting = append(waiting, p)
		case <-timer.C:
			for len(waiting) > 0 && !waiting[0].due.After(time.Now()) {
				if p := waiting[0]; !c.mem.judgedSince(p.id, p.revision) {
					c.aside(func(ctx context.Context) { c.readEvaluation(ctx, p) })
				}
				waiting = waiting[1:]
			}
		}
	}
}

func (c *Cluster) readEvaluation(ctx context.Context, p placement) {
	q, cancel := c.query(ctx)
	defer cancel()
	var v evaluation
	if _, err := c.calls.Raw().Query("/v1/evaluation/"+p.eval, &v, q); err != nil {
		if ctx.Err() == nil {
			c.log.Debug("evaluation could not be read", "service", p.id, "error", classify(err, "read evaluation"))
		}
		return
	}
	c.mem.mu.Lock()
	c.mem.setEvaluation(&v)
	c.mem.mu.Unlock()
}

// judgedSince reports whether an evaluation of this revision is known to be over,
// or everything runs, or the revision is history.
func (m *memory) judgedSince(id service.ID, revision uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	return !ok || e.revision != revision || e.judged > revision || e.live() >= e.count
}

func (e *entry) live() int {
	n := 0
	for _, in := range e.instances {
		if in.live() {
			n++
		}
	}
	return n
}

// lookAtMissing reads the evaluations of services that a list shows with fewer
// instances than wanted and no reason known, as after a restart of dynsvc.
func (c *Cluster) lookAtMissing(l *listing) {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	for i := range l.jobs {
		id := service.ID(l.jobs[i].ID)
		e, ok := c.mem.entries[id]
		if !ok || e.gone || e.stopped || e.judged > 0 || e.live() >= e.count || e.failed() != nil {
			continue
		}
		c.aside(func(ctx context.Context) {
			evals, err := c.evaluations(ctx, id)
			if err != nil && !errors.Is(err, service.ErrNotFound) {
				c.log.Debug("evaluations could not be read", "service", id, "error", err)
				return
			}
			c.mem.mu.Lock()
			defer c.mem.mu.Unlock()
			for _, v := range evals {
				c.mem.setEvaluation(v)
			}
		})
	}
}
