package gateway

import (
	"fmt"
	"sync"
	"time"
)

// Pace is what is owed by callers who send a body whose call was passed on: in
// each Window that is spent waiting for them, so many bytes. The zero value is the
// default. It ends when the answer begins: then the two may talk as they like.
// A version or method with an idle limit of its own has said what it bears.
type Pace struct {
	Window time.Duration // 0: a minute
	Bytes  int64         // 0: 4096; below 0: nothing is owed
}

const (
	defaultPaceWindow = time.Minute
	defaultPaceBytes  = 4 << 10
)

func (p Pace) orDefault() Pace {
	if p.Window == 0 {
		p.Window = defaultPaceWindow
	}
	if p.Bytes == 0 {
		p.Bytes = defaultPaceBytes
	}
	return p
}

// pacer measures how a caller keeps up with its pace. Only the time in which
// somebody waits for the caller counts: a service that is slow to read is not the
// caller's fault.
type pacer struct {
	owed Pace

	mu     sync.Mutex // guards what follows
	since  time.Time  // when the waiting began; zero: nobody waits
	waited time.Duration
	came   int64
}

// expect notes that somebody begins to wait for bytes.
func (p *pacer) expect() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Now()
}

// got notes that n bytes came.
func (p *pacer) got(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waited += time.Since(p.since)
	p.since = time.Time{}
	p.came += int64(n)
}

// judge says when to look again, or that too little came.
func (p *pacer) judge(now time.Time) (left time.Duration, late error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waited := p.waited
	if !p.since.IsZero() {
		waited += now.Sub(p.since)
	}
	if waited < p.owed.Window {
		return p.owed.Window - waited, nil
	}
	if p.came < p.owed.Bytes {
		return 0, &paceError{came: p.came, owed: p.owed}
	}
	p.waited, p.came = 0, 0
	if !p.since.IsZero() {
		p.since = now
	}
	return p.owed.Window, nil
}

// paceError ends a call whose caller hardly sends its body.
type paceError struct {
	came int64
	owed Pace
}

func (e *paceError) Error() string {
	return fmt.Sprintf("%d bytes of the body came within %s of waiting for them: %d is the least", e.came, e.owed.Window, e.owed.Bytes)
}
