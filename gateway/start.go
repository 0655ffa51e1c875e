package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// start is one way from no ready endpoint to the first. The machine's mutex
// guards it.
type start struct {
	began    time.Time
	deadline time.Time
	old      *service.Failure // known from before: no news of this start
	hint     *service.Failure // of an instance that is being tried again
	twice    bool             // hint is of a program that ended for the second time
	words    time.Time        // until when its last words are waited for
	probed   error            // what the last probe met
	placed   time.Time        // an instance had an address; zero: not yet
	running  time.Time        // a program had been started; zero: not yet
	timer    *time.Timer
	meter    *meter // of the call that caused it; nil: none did
}

// cold is how long the phases of a start took, for who waited for it.
type cold struct {
	place, start, ready time.Duration
}

// lastWords is how long the output of a program that ended may take to be read.
const lastWords = 2 * time.Second

// await reports whether to wait for what a program printed last, which comes
// after the news that it ended.
func (s *start) await(f *service.Failure) bool {
	if s.hint, s.twice = f, true; len(f.Log) > 0 {
		return false
	}
	now := time.Now()
	if s.words.IsZero() {
		s.words = now.Add(lastWords)
		s.timer.Reset(lastWords)
	}
	return now.Before(s.words)
}

// lookAgain is how often a start is looked at for want of news.
const lookAgain = 5 * time.Second

// begin enters starting.
func (m *machine) begin(reason string) {
	now := time.Now()
	s := &start{began: now, deadline: now.Add(m.startDeadline()), old: m.state.Failure}
	m.enterPhase(service.Starting, reason)
	m.start = s
	s.observe(m.endpoints)
	s.timer = time.AfterFunc(min(lookAgain, s.deadline.Sub(now)), func() { m.look(s) })
}

// wake asks for instances, in a goroutine of its own: whoever asks first may
// leave, and everybody else wants the start to go on.
func (m *machine) wake(ctx context.Context) {
	if m.waking {
		return // for a start before this one; see below
	}
	m.waking = true
	s := m.start
	m.g.spawn(func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), s.deadline)
		defer cancel()
		defer context.AfterFunc(m.g.life, cancel)()
		err := m.g.waker.Wake(ctx, m.id)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.waking = false
		switch {
		case m.start == nil, m.g.life.Err() != nil:
		case m.start != s:
			if m.state.Count == 0 {
				m.wake(m.g.life)
			}
		case err != nil && ctx.Err() != nil:
			m.fail(failureOf(fmt.Errorf("the scheduler did not start it within %s: %w", m.startDeadline(), err)))
		case err != nil:
			m.fail(failureOf(err))
		}
	})
}

// look sees to a start from which nothing was heard for a while: it is woken
// again if its count is 0 after all, and it ends at its deadline.
func (m *machine) look(s *start) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.start != s {
		return
	}
	left := time.Until(s.deadline)
	switch {
	case s.twice:
		m.fail(s.hint)
	case left > 0:
		if m.state.Count == 0 && !m.waking && m.queue.len() > 0 {
			m.wake(m.g.life)
		}
		s.timer.Reset(min(lookAgain, left))
	case m.state.Count == 0 && !m.waking && m.queue.len() == 0:
		m.enterPhase(service.Idle, "the count is 0 and nobody waits")
	default:
		m.fail(m.overdue())
	}
}

// overdue says what is known of a start that took too long.
func (m *machine) overdue() *service.Failure {
	s, took := m.start, m.startDeadline()
	f := &service.Failure{Cause: service.NotListening, Final: true, At: time.Now()}
	switch {
	case s.hint != nil:
		*f = *s.hint
		f.Text = fmt.Sprintf("%s; it was tried again and did not answer within %s", s.hint.Text, took)
	case s.placed.IsZero():
		f.Cause = service.Rejected
		f.Text = fmt.Sprintf("the cluster placed no instance within %s", took)
		if s.old != nil {
			*f = *s.old
			f.Text = fmt.Sprintf("%s; no other instance was placed within %s", s.old.Text, took)
		}
	case s.running.IsZero():
		f.Text = fmt.Sprintf("an instance was placed but its program was not started within %s: is its image very large?", took)
	default:
		port := "its port"
		if v := m.version.Load(); v != nil && v.Run.Port > 0 {
			port = fmt.Sprintf("port %d", v.Run.Port)
		}
		f.Text = fmt.Sprintf("the program runs but nothing answers on %s after %s: does the server listen on 0.0.0.0:$PORT?", port, took)
		if s.probed != nil {
			f.Text += fmt.Sprintf(" (last probe: %v)", s.probed)
		}
	}
	return f
}

// observe notes how far the instances came.
func (s *start) observe(endpoints map[string]*endpoint) {
	for _, e := range endpoints {
		if s.placed.IsZero() && e.addr != "" {
			s.placed = time.Now()
		}
		if s.running.IsZero() && e.running {
			s.running = time.Now()
		}
	}
}

// timing tells how a start went whose first endpoint has just answered.
func (s *start) timing() *cold {
	now := time.Now()
	if s.placed.IsZero() {
		s.placed = now
	}
	running := s.running
	if running.IsZero() { // it answers before the cluster says that it runs
		running = now
	}
	return &cold{place: s.placed.Sub(s.began), start: running.Sub(s.placed), ready: now.Sub(running)}
}
