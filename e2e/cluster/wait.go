package cluster

import (
	"context"
	"fmt"
	"time"
)

// WaitFor calls f until it returns nil, and gives up with f's last error when
// ctx ends or the time is over. what names the awaited fact in that error.
func WaitFor(ctx context.Context, what string, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := error(nil)
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		// An attempt that the deadline cut off says less than the one before it.
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; last: %w", what, context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}
