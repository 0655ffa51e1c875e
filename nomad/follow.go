package nomad

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
)

// followLogs reads the streams of all instances at once.
func (c *Cluster) followLogs(ctx context.Context, id service.ID, chosen []*allocation, opts service.LogOptions, emit func(service.LogLine) error) error {
	g, ctx := errgroup.WithContext(ctx)
	reading := make(map[string]context.CancelFunc) // by allocation
	defer func() {
		for _, stop := range reading {
			stop()
		}
	}()
	join := func(a *allocation, tail int) error {
		if _, ok := reading[a.ID]; ok {
			return nil
		}
		actx, stop := context.WithCancel(ctx)
		reading[a.ID] = stop
		for _, stream := range streams {
			select {
			case c.followers <- struct{}{}:
			default:
				return service.Errorf(service.ErrUnavailable, "too many logs are followed at once (%d streams): try again when another follower has left", cap(c.followers))
			}
			g.Go(func() error {
				defer func() { <-c.followers }()
				err := c.readLog(actx, logSource{alloc: a.ID, task: appTask(a.TaskStates), stream: stream, tail: tail, follow: true}, emit)
				if actx.Err() != nil {
					return nil
				}
				return err
			})
		}
		return nil
	}
	g.Go(func() error {
		for _, a := range chosen {
			if err := join(a, opts.Tail); err != nil {
				return err
			}
		}
		tick := time.NewTicker(joinEvery)
		defer tick.Stop()
		ended := make(map[string]bool)
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			allocs, err := c.allocationsOf(ctx, id)
			if err != nil {
				continue // those that are read go on
			}
			for _, a := range allocs {
				live := !newInstance(a).over
				switch stop, ok := reading[a.ID]; {
				case ok && ended[a.ID]:
					stop() // it had a tick to say its last words
				case ok && !live:
					ended[a.ID] = true
				case !ok && live && len(a.TaskStates) > 0 && strings.HasPrefix(a.ID, opts.Alloc):
					if err := join(a, 0); err != nil {
						return err
					}
				}
			}
		}
	})
	err := g.Wait()
	if err != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
