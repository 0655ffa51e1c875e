package nomad

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
)

// asideLimit is how many reads may go on beside the watch: evaluations and the
// last lines of programs that failed.
const asideLimit = 4

// Run watches the cluster until ctx ends and calls changed, one call at a time,
// for each service whose state changed; at first for each that is registered. A
// slow callback delays only itself: it then gets the newest state, and those in
// between are left out.
func (c *Cluster) Run(ctx context.Context, changed func(service.State)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.follow(ctx) })
	g.Go(func() error { return c.compare(ctx) })
	g.Go(func() error { return c.tell(ctx, changed) })
	g.Go(func() error { return c.lookAtPlacements(ctx) })
	for range asideLimit {
		g.Go(func() error { return c.doAsides(ctx) })
	}
	return g.Wait()
}

// States returns what is known of all registered services, in no order. It is
// fresh if a full list was read and the cluster was heard of lately.
func (c *Cluster) States() ([]service.State, bool) {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	states := make([]service.State, 0, len(c.mem.entries))
	for id, e := range c.mem.entries {
		if !e.gone && !e.stopped {
			states = append(states, e.state(id))
		}
	}
	return states, c.mem.fresh(time.Now())
}

// compare reads the full lists now and then, and at once when asked to.
func (c *Cluster) compare(ctx context.Context) error {
	tick := time.NewTicker(c.opts.Reconcile)
	defer tick.Stop()
	signal(c.relist) // even if the event stream does not open
	failing := false
	for {
		forced := false
		select {
		case <-ctx.Done():
			return nil
		case <-c.relist:
			forced = true
		case <-tick.C:
			forced = failing // what was asked for and not had
		}
		err := c.reconcile(ctx, forced)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			c.log.Warn("cluster could not be listed", "error", err)
		} else if err == nil && failing {
			c.log.Info("cluster answered again")
		}
		failing = err != nil
	}
}

// tell calls changed for what changed.
func (c *Cluster) tell(ctx context.Context, changed func(service.State)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.mem.wake:
		}
		for _, s := range c.mem.take() {
			if ctx.Err() != nil {
				return nil
			}
			if f := s.Failure; f != nil && f.Cause == service.Exited && len(f.Log) == 0 {
				c.askLastLines(s.ID, f.Alloc)
			}
			changed(s)
		}
	}
}

// doAsides runs what was put aside, one at a time.
func (c *Cluster) doAsides(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case do := <-c.asides:
			do(ctx)
		}
	}
}

// aside has something done beside the watch; false: too much is waiting.
func (c *Cluster) aside(do func(context.Context)) bool {
	select {
	case c.asides <- do:
		return true
	default:
		return false
	}
}
