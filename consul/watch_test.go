package consul

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"
)

func TestWatchFollowsTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		away := errors.New("away")
		answers := []struct {
			index uint64
			err   error
		}{{index: 7}, {index: 9}, {index: 4}, {index: 5}, {index: 0}, {index: 3}, {err: away}, {index: 3}, {index: 8}}
		var asked []uint64
		w := watch{log: hclog.NewNullLogger(), wait: time.Minute, read: func(q *api.QueryOptions) (uint64, error) {
			asked = append(asked, q.WaitIndex)
			a := answers[len(asked)-1]
			if len(asked) == len(answers) {
				cancel()
			}
			return a.index, a.err
		}}
		w.run(ctx)
		// 9 to 4 went backwards and 0 does not wait; after the error it is read anew.
		want := []uint64{0, 7, 9, 0, 5, 1, 3, 0, 3}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("indexes asked for (-want +got):\n%s", diff)
		}
	})
}

func TestWatchNeverSpins(t *testing.T) {
	tests := []struct {
		name     string
		err      error
		min, max int // reads in a minute
	}{
		{name: "every answer is news", min: 235, max: 241},
		{name: "every answer is an error", err: errors.New("refused"), min: 8, max: 16},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				reads := 0
				w := watch{log: hclog.NewNullLogger(), wait: time.Minute, read: func(q *api.QueryOptions) (uint64, error) {
					reads++
					return uint64(reads), test.err
				}}
				w.run(ctx)
				if reads < test.min || reads > test.max {
					t.Errorf("%d reads in a minute, want %d to %d", reads, test.min, test.max)
				}
			})
		})
	}
}

func TestWatchTellsSilence(t *testing.T) {
	hang := func(q *api.QueryOptions) (uint64, error) {
		<-q.Context().Done()
		return 0, q.Context().Err()
	}
	refuse := func(*api.QueryOptions) (uint64, error) { return 0, errors.New("refused") }
	for name, read := range map[string]func(*api.QueryOptions) (uint64, error){"hangs": hang, "refuses": refuse} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				start := time.Now()
				var silences []time.Duration
				good := time.Time{}
				w := watch{
					log: hclog.NewNullLogger(), wait: 10 * time.Second,
					read: func(q *api.QueryOptions) (uint64, error) {
						// Good for a moment after two minutes, which ends the first silence.
						if at := time.Since(start); good.IsZero() && at > 2*time.Minute {
							good = time.Now()
							return 1, nil
						}
						return read(q)
					},
					silent: func() { silences = append(silences, time.Since(start)) },
				}
				w.run(ctx)
				want := []time.Duration{silence, good.Sub(start) + silence}
				if diff := cmp.Diff(want, silences); diff != "" {
					t.Errorf("silence told at (-want +got):\n%s", diff)
				}
			})
		})
	}
}
