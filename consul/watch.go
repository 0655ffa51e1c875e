package consul

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"
)

const (
	// Consul may add a sixteenth of the wait to it; the rest is for the network.
	answerSlack = 5 * time.Second
	// Every change of any check in the catalog answers the health watch, and each
	// answer is whole: in a restless cluster this bounds the work.
	readGap  = 250 * time.Millisecond
	retryMin = 250 * time.Millisecond
	retryMax = 10 * time.Second
	// silence is how long nothing may be heard before what is known is no longer believed.
	silence = 30 * time.Second
)

// watch follows one thing in Consul with blocking queries.
type watch struct {
	log  hclog.Logger
	wait time.Duration // how long Consul may hold an answer back

	// read asks once, hands over what it got, and returns the answer's index.
	read func(*api.QueryOptions) (index uint64, err error)
	// failed hears of every error of read; nil: nobody does.
	failed func(error)
	// silent is called once when read has not succeeded for the time silence; nil: nobody cares.
	silent func()
}

// run reads until ctx ends.
func (w *watch) run(ctx context.Context) {
	var (
		index    uint64
		failures int
		told     bool
		heard    = time.Now()
	)
	for ctx.Err() == nil {
		// Until then silence has to be reported, so neither read nor pause goes on beyond it.
		limit := w.wait + w.wait/16 + answerSlack
		if w.silent != nil && !told {
			left := time.Until(heard.Add(silence))
			if left <= 0 {
				told = true
				w.silent()
				continue
			}
			limit = min(limit, left)
		}
		started := time.Now()
		got, err := w.once(ctx, index, limit)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// What came in between is not known, so the next read must not wait for news.
			index = 0
			failures++
			if failures == 1 {
				w.log.Warn("lost consul", "error", err)
			}
			if w.failed != nil {
				w.failed(err)
			}
			wait := backoff(failures)
			if w.silent != nil && !told {
				wait = min(wait, time.Until(heard.Add(silence)))
			}
			pause(ctx, wait)
			continue
		}
		if failures > 0 {
			w.log.Info("heard consul again", "took", time.Since(heard).Round(time.Millisecond).String())
		}
		failures, told, heard = 0, false, time.Now()
		index = nextIndex(index, got)
		pause(ctx, readGap-time.Since(started))
	}
}

func (w *watch) once(ctx context.Context, index uint64, limit time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return w.read((&api.QueryOptions{WaitIndex: index, WaitTime: w.wait}).WithContext(ctx))
}

// nextIndex is what to wait for after an answer. An index that went backwards
// (servers restored from a snapshot, another agent) means to read anew, and
// zero would not wait at all.
func nextIndex(last, got uint64) uint64 {
	switch {
	case got == 0:
		return 1
	case got < last:
		return 0
	}
	return got
}

// backoff doubles from retryMin to retryMax; up to a quarter is left to chance,
// so that gateways do not come back all at once.
func backoff(failures int) time.Duration {
	wait := retryMax
	if failures < 7 {
		wait = min(retryMax, retryMin<<(failures-1))
	}
	return wait - rand.N(wait/4)
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
