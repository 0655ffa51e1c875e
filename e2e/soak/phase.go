package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// phase is a part of the run, under one load and with one thing that happens.
type phase struct {
	name    string
	least   time.Duration // how long it is at least
	share   int           // of the time that is left, in percent
	percent int64         // of the usual load
	act     func(*soak, context.Context, time.Duration) error
}

// The usual load keeps two or three instances busy, the double all four. A peak
// is remembered for five minutes, so the short run has no scale-in by load.
var phases = []phase{
	{"calm", 8 * time.Second, 6, 50, nil},
	{"load goes up", 15 * time.Second, 11, 200, nil},
	{"node lost", 35 * time.Second, 12, 100, (*soak).loseNode},
	{"tag moves", 16 * time.Second, 12, 100, (*soak).moveTag},
	{"Consul away", 12 * time.Second, 14, 100, (*soak).withoutConsul},
	{"disk full", 20 * time.Second, 11, 100, (*soak).fullDisk},
	{"agent restarted", 10 * time.Second, 8, 100, (*soak).restartAgent},
	{"agent killed", 10 * time.Second, 8, 100, (*soak).killAgent},
	{"load goes down", 10 * time.Second, 13, 25, nil},
	{"calm again", 8 * time.Second, 5, 50, (*soak).moveTagOnce},
}

// schedule is how long each phase of a run of such a length is.
func schedule(length time.Duration) []time.Duration {
	left := length
	for _, p := range phases {
		left -= p.least
	}
	var all []time.Duration
	for _, p := range phases {
		all = append(all, p.least+max(left, 0)*time.Duration(p.share)/100)
	}
	return all
}

// run goes through the phases.
func (s *soak) run(ctx context.Context, length time.Duration) error {
	for i, d := range schedule(length) {
		p := phases[i]
		s.phase.Store(int64(i))
		s.percent.Store(p.percent)
		s.note("%s, %s, %d %% of the usual load", p.name, d.Round(time.Second), p.percent)
		over := time.NewTimer(d)
		if p.act != nil {
			if err := p.act(s, ctx, d); err != nil {
				over.Stop()
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
		select {
		case <-ctx.Done():
			over.Stop()
			return context.Cause(ctx)
		case <-over.C:
		}
	}
	return nil
}

// loseNode takes the node away that has all instances, and gives it back.
func (s *soak) loseNode(ctx context.Context, d time.Duration) error {
	const class = "general"
	pause(ctx, d/15)
	f := s.faults.begin(nodeLost)
	if err := s.servers.KillNode(class); err != nil {
		return err
	}
	allocs, err := s.running(ctx, class)
	if err != nil {
		return err
	}
	s.faults.took(f, allocs)
	s.note("killed %s with %d instances", class, len(allocs))
	pause(ctx, d/2)
	if err := s.servers.StartNode(ctx, class); err != nil {
		return err
	}
	s.faults.end(f)
	s.felt(len(allocs) > 0, "a node was killed with %d instances", len(allocs))
	return nil
}

// running are the allocations that run on a node as far as Nomad knows.
func (s *soak) running(ctx context.Context, node string) (ids []string, err error) {
	all, _, err := s.servers.Nomad.Allocations().List((&nomad.QueryOptions{}).WithContext(ctx))
	for _, a := range all {
		if a.NodeName == node && (a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending) {
			ids = append(ids, a.ID)
		}
	}
	return ids, err
}

// moveTag moves the tag there and back, each time once the version that it means
// has answered.
func (s *soak) moveTag(ctx context.Context, d time.Duration) error {
	for range 2 {
		pause(ctx, d/10)
		if err := s.move(ctx); err != nil {
			return err
		}
		moved, before := time.Now(), s.book.answers(s.meant())
		err := cluster.WaitFor(ctx, "an answer of "+s.meant(), 2*time.Minute, func(context.Context) error {
			if s.book.answers(s.meant()) == before {
				return errors.New("there is none")
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.note("%s answers %s after the tag was moved to it", s.meant(), time.Since(moved).Round(time.Millisecond))
		pause(ctx, d*4/10-time.Since(moved))
	}
	return nil
}

func (s *soak) moveTagOnce(ctx context.Context, _ time.Duration) error { return s.move(ctx) }

// withoutConsul stops Consul's server, and with it the agent that dynsvc asks, for
// a minute where the phase is long enough.
func (s *soak) withoutConsul(ctx context.Context, d time.Duration) error {
	const name = "consul-server"
	f := s.faults.begin(consulAway)
	if err := s.servers.StopProcess(name); err != nil {
		return err
	}
	pause(ctx, min(time.Minute, d*3/4))
	if err := s.servers.StartProcess(ctx, name); err != nil {
		return err
	}
	s.faults.end(f)
	s.felt(true, "Consul's server was away for %s", f.to.Sub(f.from).Round(time.Second))
	return nil
}

// fullDisk leaves no room to the database.
func (s *soak) fullDisk(ctx context.Context, d time.Duration) error {
	f := s.faults.begin(diskFull)
	if err := s.disk.fill(); err != nil {
		return err
	}
	pause(ctx, d*3/4)
	if err := s.disk.free(); err != nil {
		return err
	}
	pause(ctx, time.Second) // what was refused a moment ago is on its way
	s.faults.end(f)
	return nil
}

// restartAgent has the agent stop in good order, and starts the next.
func (s *soak) restartAgent(ctx context.Context, _ time.Duration) error {
	f := s.faults.begin(agentStopped)
	if err := s.servers.StopProcess(agentName); err != nil {
		return err
	}
	return s.comeBack(ctx, f)
}

// killAgent kills it.
func (s *soak) killAgent(ctx context.Context, _ time.Duration) error {
	f := s.faults.begin(agentKilled)
	if err := s.servers.Kill(agentName); err != nil {
		return err
	}
	return s.comeBack(ctx, f)
}

func (s *soak) comeBack(ctx context.Context, f *fault) error {
	gone := time.Now()
	if err := s.servers.StartProcess(ctx, agentName); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.faults.end(f)
	s.note("the next agent was ready after %s", time.Since(gone).Round(time.Millisecond))
	return nil
}
