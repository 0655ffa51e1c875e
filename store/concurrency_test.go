package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Writers, readers, a backup and the retention at once: none is refused, and
// what was written is there.
func TestManyAtOnce(t *testing.T) {
	db := open(t)
	const writers, rounds = 8, 20
	ids := fill(t, db, writers)
	backup := filepath.Join(t.TempDir(), "backup.db")
	g, ctx := errgroup.WithContext(t.Context())
	for w := range writers {
		g.Go(func() error {
			for i := range rounds {
				v := version(fmt.Sprintf("W%d", w), fmt.Sprintf("1.%d.0", i), 1000*(w+1)+i)
				if _, _, err := db.SaveVersion(ctx, store.Registration{Version: v, Tags: []string{"dev"}}); err != nil {
					return err
				}
				id, err := db.AddDecision(ctx, service.Decision{Service: ids[w], To: i, Kind: service.KindLoad, Reason: "load"})
				if err != nil {
					return err
				}
				if err := db.FinishDecision(ctx, id, "applied"); err != nil {
					return err
				}
				start := epoch.Add(time.Duration(i) * 5 * time.Second)
				if err := db.AddSamples(ctx, []service.Sample{sample(ids[0], "f", start, 1), sample(ids[w], "g", start, 1)}); err != nil {
					return err
				}
				if err := db.SetStopped(ctx, ids[w], i%2 == 0, "ada"); err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(func() error {
			for range rounds {
				if err := db.AllModules(ctx, func(service.Module) error { return nil }); err != nil {
					return err
				}
				if _, err := db.LastDecisions(ctx); err != nil {
					return err
				}
				if _, err := db.RecentSamples(ctx, epoch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		for range 3 {
			if err := db.Backup(ctx, backup); err != nil {
				return err
			}
			if err := db.RollUp(ctx, epoch.Add(time.Hour)); err != nil {
				return err
			}
			if _, err := db.Prune(ctx, epoch.Add(time.Hour), store.Retention{Samples: time.Hour, Minutes: time.Hour, Hours: time.Hour}); err != nil {
				return err
			}
		}
		return nil
	})
	check(t, g.Wait(), nil)

	for w := range writers {
		if n := len(module(t, db, fmt.Sprintf("W%d", w)).Versions); n != rounds {
			t.Errorf("writer %d left %d versions, want %d", w, n, rounds)
		}
		d, err := db.Decisions(t.Context(), ids[w], 0, 0)
		check(t, err, nil)
		if len(d) != rounds {
			t.Errorf("writer %d left %d decisions, want %d", w, len(d), rounds)
		}
	}
	var calls int64
	samples, err := db.RecentSamples(t.Context(), epoch)
	check(t, err, nil)
	for _, s := range samples {
		calls += s.Calls
	}
	if calls != 2*writers*rounds {
		t.Errorf("%d calls were counted, want %d", calls, 2*writers*rounds)
	}
	whole(t, db)
}

// A reader in the middle of a long list sees one moment and holds nobody up.
func TestLongReadSeesOneMoment(t *testing.T) {
	db := open(t)
	fill(t, db, 30)
	seen := 0
	check(t, db.AllModules(t.Context(), func(m service.Module) error {
		seen++
		save(t, db, version(fmt.Sprintf("Z%d", seen), "1.0.0", 100+seen))
		return nil
	}), nil)
	if seen != 3 {
		t.Errorf("the list has %d modules, want the 3 that were there when it began", seen)
	}
}
