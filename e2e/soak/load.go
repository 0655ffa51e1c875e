package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The kinds of call.
const (
	once     = "call"
	again    = "call, idempotent"
	waves    = "call from zero"
	ranges   = "range"
	events   = "event stream"
	socket   = "WebSocket"
	upload   = "upload"
	download = "download"
	job      = "job"
	jobAgain = "job, idempotent"
	submit   = "job refused" // tries to submit that were not acknowledged
)

// idempotent are the kinds that may be executed more than once.
var idempotent = map[string]bool{again: true, jobAgain: true, ranges: true, events: true, download: true}

// patience is how long the driver waits for an answer: longer than any limit.
const patience = 4 * time.Minute

// kinds are how each is called, and how often in a second at load 1.
var kinds = []struct {
	name string
	rate float64
	call func(*soak, context.Context, *record)
}{
	{once, 8, (*soak).call},
	{again, 5, (*soak).call},
	{waves, 4, (*soak).call},
	{ranges, 3, (*soak).callRange},
	{events, 1, (*soak).callEvents},
	{socket, 0.5, (*soak).callSocket},
	{upload, 0.5, (*soak).callUpload},
	{download, 0.5, (*soak).callDownload},
	{job, 2, (*soak).callJob},
	{jobAgain, 2, (*soak).callJob},
}

// The service that is called from zero is called for surge, and left alone for
// the rest of each tide.
const (
	tide  = 20 * time.Second
	surge = 5 * time.Second
)

// load makes calls until ctx ends. They come by chance, each without regard to
// what became of those before.
func (s *soak) load(ctx context.Context) {
	began := time.Now()
	for _, k := range kinds {
		s.book.open.Go(func() {
			for n := int64(0); ; n++ {
				if !pause(ctx, time.Duration(rand.ExpFloat64()/k.rate/s.level()*float64(time.Second))) {
					return
				}
				if k.name == waves && time.Since(began)%tide > surge {
					continue
				}
				r := &record{id: fmt.Sprintf("%s-%d", strings.ReplaceAll(strings.ReplaceAll(k.name, " ", "-"), ",", ""), n), kind: k.name, phase: int(s.phase.Load()), began: time.Now()}
				s.book.open.Go(func() {
					// It outlives the load.
					ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
					defer cancel()
					k.call(s, ctx, r)
					s.book.add(r)
				})
			}
		})
	}
}

// level is how many times the usual load there is. In the mesh it is a third: each
// instance has two more processes, and they share the machine with the callers.
func (s *soak) level() float64 {
	if s.mesh {
		return float64(s.percent.Load()) / 300
	}
	return float64(s.percent.Load()) / 100
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
