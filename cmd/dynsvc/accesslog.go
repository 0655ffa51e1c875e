package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
)

const (
	accessPending = 4 << 20 // bytes of lines that wait for the file; what is more is lost
	accessPause   = time.Second
)

// accessLog writes a line of JSON for each call that ended. Calls never wait for
// it: lines are gathered in memory and written each second.
type accessLog struct {
	path    string // empty: to out, which is never opened again
	out     io.Writer
	log     hclog.Logger
	dropped atomic.Int64

	mu      sync.Mutex // guards pending
	pending []byte

	file io.WriteCloser // only run's
}

// openAccessLog appends to the file, or writes to stdout where path is "stdout".
func openAccessLog(path string, stdout io.Writer, log hclog.Logger) (*accessLog, error) {
	a := &accessLog{path: path, out: stdout, log: log}
	if path == "stdout" {
		a.path = ""
		return a, nil
	}
	return a, a.open()
}

func (a *accessLog) open() error {
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return fmt.Errorf("open the access log: %w", err)
	}
	a.file, a.out = f, f
	return nil
}

// add takes a call that ended.
func (a *accessLog) add(e *gateway.Ended) {
	line, err := json.Marshal(e)
	if err != nil { // numbers and texts: cannot be
		a.dropped.Add(1)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending)+len(line) >= accessPending {
		a.dropped.Add(1)
		return
	}
	a.pending = append(append(a.pending, line...), '\n')
}

// run writes until ctx ends, and then what is left. A value from again has the
// file opened anew, for whoever has moved it away.
func (a *accessLog) run(ctx context.Context, again <-chan os.Signal) error {
	tick := time.NewTicker(accessPause)
	defer tick.Stop()
	var spare []byte
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-again:
			spare = a.flush(spare)
			a.reopen()
		case <-tick.C:
		}
		spare = a.flush(spare)
		if ended {
			return a.close()
		}
	}
}

func (a *accessLog) reopen() {
	if a.path == "" {
		return
	}
	old := a.file
	if err := a.open(); err != nil {
		a.log.Error("goes on with the old access log", "error", err)
		return
	}
	if err := old.Close(); err != nil {
		a.log.Warn("could not close the old access log", "error", err)
	}
	a.log.Info("opened the access log again", "path", a.path)
}

// flush writes what is pending and returns its room, to be used again.
func (a *accessLog) flush(spare []byte) []byte {
	a.mu.Lock()
	lines := a.pending
	a.pending = spare[:0]
	a.mu.Unlock()
	if len(lines) == 0 {
		return lines
	}
	if _, err := a.out.Write(lines); err != nil {
		n := int64(0)
		for _, c := range lines {
			if c == '\n' {
				n++
			}
		}
		a.dropped.Add(n)
		a.log.Error("lost lines of the access log", "lines", n, "error", err)
	}
	return lines
}

func (a *accessLog) close() error {
	if a.file == nil {
		return nil
	}
	if err := a.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close the access log: %w", err)
	}
	return nil
}
