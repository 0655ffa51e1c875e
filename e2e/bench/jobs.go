package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	batch      = 900 // call jobs of a round: a caller may have 1 000 that are not finished
	submitters = 32
	syncFor    = time.Second
)

// jobs measures how many call jobs are taken, each on disk before its answer, and
// how many are done. What the disk can do takes turns with it: one page at a time,
// written and synced.
func (b *bench) jobs(ctx context.Context) error {
	a, _, err := b.dev(ctx, "jobs")
	if err != nil {
		return err
	}
	defer a.stop()
	var taken, done, synced []float64
	for round := range b.slices + 1 { // the first gets everything warm
		if err := b.quiet(ctx); err != nil {
			return err
		}
		floor, err := syncs(b.dir)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := a.submit(ctx, batch); err != nil {
			return errors.Join(err, fmt.Errorf("log of the agent: %s", a.log))
		}
		submitted := time.Since(began)
		if err := a.finished(ctx); err != nil {
			return err
		}
		all := time.Since(began)
		note("round %2d: %4.0f jobs a second taken, %4.0f done; the disk synced %5.0f pages a second", round, batch/submitted.Seconds(), batch/all.Seconds(), floor)
		if round > 0 {
			taken, done, synced = append(taken, batch/submitted.Seconds()), append(done, batch/all.Seconds()), append(synced, floor)
		}
	}
	for _, r := range []struct {
		what string
		rate []float64
	}{{"taken, each durable", taken}, {"taken and done", done}} {
		b.table.add(row{what: "call jobs " + r.what, measured: fmt.Sprintf("%.0f/s", median(r.rate)), against: fmt.Sprintf("disk syncs %.0f pages/s one by one", median(synced)),
			ratio: fmt.Sprintf("%.2f", median(ratios(r.rate, synced))), command: "scripts/bench jobs"}, true)
	}
	return nil
}

// submit makes n call jobs as many callers do who share a token.
func (a *agent) submit(ctx context.Context, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(submitters)
	body := map[string]any{"params": []any{map[string]string{"text": "a small call"}}}
	for range n {
		g.Go(func() error {
			return a.api(ctx, http.MethodPost, "/api/v1/modules/Bench/versions/dev/methods/echo/jobs", body, nil)
		})
	}
	return g.Wait()
}

// finished waits until no job is queued or running. All must have come to a good end.
func (a *agent) finished(ctx context.Context) error {
	for {
		open := 0
		for _, state := range []string{"queued", "running", "dead", "failed"} {
			var some struct{ Jobs []any }
			if err := a.api(ctx, http.MethodGet, "/api/v1/jobs?limit=1&state="+state, nil, &some); err != nil {
				return err
			}
			if len(some.Jobs) > 0 && (state == "dead" || state == "failed") {
				return fmt.Errorf("a job is %s", state)
			}
			open += len(some.Jobs)
		}
		if open == 0 {
			return nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// syncs is how many pages a second the disk under dir takes that are each synced
// before the next: what a database does that commits one by one.
func syncs(dir string) (rate float64, err error) {
	f, err := os.Create(filepath.Join(dir, "synced"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4<<10)
	began, n := time.Now(), 0
	for time.Since(began) < syncFor {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
