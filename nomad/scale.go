package nomad

import (
	"context"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Scale sets a service's count and returns the new revision. With a revision in s
// it does so only if the job is still the one of that revision; otherwise the
// error is a [service.ErrConflict]. Nothing is tried twice.
func (c *Cluster) Scale(ctx context.Context, s service.Scaling) (uint64, error) {
	if c.mem.stopped(s.ID) {
		return 0, service.Errorf(service.ErrNotFound, "scale %s: its job was stopped in nomad and has to be registered again", s.ID)
	}
	req := &api.ScalingRequest{
		Count:          new(int64(s.To)),
		Target:         map[string]string{"Group": group},
		Message:        s.Reason,
		JobModifyIndex: s.Revision,
	}
	if s.Decision != 0 {
		req.Meta = map[string]any{metaDecision: s.Decision}
	}
	q, cancel := c.write(ctx)
	defer cancel()
	answer, _, err := c.calls.Jobs().ScaleWithRequest(string(s.ID), req, q)
	if err != nil {
		return 0, classify(err, "scale "+string(s.ID))
	}
	c.mem.scaled(s.ID, s.To, answer.JobModifyIndex)
	if s.To > 0 && answer.EvalID != "" {
		select {
		case c.placed <- placement{id: s.ID, eval: answer.EvalID, revision: answer.JobModifyIndex, due: time.Now().Add(verdictWait)}:
		default: // nobody watches; whoever does will list
		}
	}
	return answer.JobModifyIndex, nil
}

// Replace stops an instance, with its stop grace, and has Nomad place another
// one for it: the count stays.
func (c *Cluster) Replace(ctx context.Context, id service.ID, alloc string) error {
	q, cancel := c.query(ctx)
	defer cancel()
	if _, err := c.calls.Allocations().Stop(&api.Allocation{ID: alloc}, q); err != nil {
		return classify(err, "replace instance "+alloc+" of "+string(id))
	}
	return nil
}

// stopped reports whether the job is known to be stopped: Nomad scales such a job
// without a word and starts nothing.
func (m *memory) stopped(id service.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	return ok && !e.gone && e.stopped
}

// State reads what a service is now. What is no job, or a stopped one, is a state
// that is not registered, not an error.
func (c *Cluster) State(ctx context.Context, id service.ID) (service.State, error) {
	j, err := c.job(ctx, id)
	if isNotFound(err) {
		return service.State{ID: id}, nil
	}
	if err != nil {
		return service.State{}, err
	}
	allocs, err := c.allocationsOf(ctx, id)
	if err != nil {
		return service.State{}, err
	}
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	c.mem.setJob(j.stub(), new(j.count()))
	for _, a := range allocs {
		c.mem.setAllocation(a)
	}
	return c.mem.entries[id].state(id), nil
}
