package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

// keepUsage is how long usage is kept where the operator says nothing.
var keepUsage = store.Retention{Samples: 6 * time.Hour, Minutes: 14 * 24 * time.Hour, Hours: 400 * 24 * time.Hour}

// tidy rolls up usage every minute and deletes what is old every hour.
func (st *stack) tidy(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	var pruned time.Time
	for {
		now := time.Now()
		if err := st.db.RollUp(ctx, now); err != nil && ctx.Err() == nil {
			st.log.Warn("could not roll up usage", "error", err)
		}
		if now.Sub(pruned) >= time.Hour {
			pruned = now
			if _, err := st.db.Prune(ctx, now, cmp.Or(st.keep, keepUsage)); err != nil && ctx.Err() == nil {
				st.log.Warn("could not delete old usage", "error", err)
			}
			if err := st.pruneLogs(ctx, now); err != nil && ctx.Err() == nil {
				st.log.Warn("could not delete old logs of registrations", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// pruneLogs deletes old logs of registrations from git and of builds.
func (st *stack) pruneLogs(ctx context.Context, now time.Time) error {
	keep := cmp.Or(st.keepLogs, keepLogs)
	_, err := st.git.Prune(ctx, now, keep)
	if st.builds != nil {
		_, building := st.builds.Prune(now, keep)
		err = errors.Join(err, building)
	}
	return err
}
