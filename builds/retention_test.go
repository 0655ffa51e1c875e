package builds_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/service"
)

func TestLogsArePruned(t *testing.T) {
	c := &cluster{run: good(time.Second)}
	bench(t, c, builds.Options{Time: 1000 * time.Hour}, func(t *testing.T, b *builds.Builder, _ func()) {
		at := func(source string) service.Build {
			build := of("Echo")
			build.Source = source
			return build
		}
		for _, source := range []string{"1", "2", "3"} {
			if _, err := b.Build(t.Context(), at(source), &bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Build(t.Context(), of("Other"), &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		// One of the first is built anew, and has not ended: its log is not taken away.
		c.run = good(100 * time.Hour)
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { _, err := b.Build(ctx, at("1"), &bytes.Buffer{}); ended <- err }()
		synctest.Wait()

		// Files have the time of the real clock, which the bubble has not.
		later := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
		removed, err := b.Prune(later, journal.Retention{Age: time.Hour, Each: 10})
		if err != nil || removed == 0 {
			t.Errorf("removed %d, %v", removed, err)
		}
		kept := map[string]bool{}
		for _, build := range []service.Build{at("1"), at("2"), at("3"), of("Other")} {
			err := b.Log(t.Context(), &bytes.Buffer{}, build)
			if err != nil && !errors.Is(err, service.ErrNotFound) {
				t.Fatal(err)
			}
			kept[build.Module+build.Source] = err == nil
		}
		// The third may have been written in the same tick of the file system's clock as the first.
		if !kept["Echo1"] || kept["Echo2"] || !kept["Other0123"] {
			t.Errorf("kept %v, want what is being written, and the newest of each module", kept)
		}
		leave()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
