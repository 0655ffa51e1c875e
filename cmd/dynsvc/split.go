package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/consul"
	"github.com/dynsvc/dynsvc/relay"
	"github.com/dynsvc/dynsvc/service"
)

// The roles of an agent where several share the work.
const (
	roleLeader  = "leader"  // leads, or stands by until it can
	roleGateway = "gateway" // never leads
)

// folderRetry is how often an agent that stands by looks whether the data folder is
// free.
const folderRetry = 200 * time.Millisecond

// entryTime is how long a request may take from this agent's door to the gateway.
const entryTime = 250 * time.Millisecond

// lingerTime is how long other agents may take to hear that another one leads.
const lingerTime = 500 * time.Millisecond

// split is an agent of several, of which one leads: it alone has the data open,
// decides on counts and does what must be done once. The others pass everything on to
// it, and one of them takes over when it is gone.
type split struct {
	c     *config
	s     setup
	log   hclog.Logger
	own   consul.Holder
	watch *consul.Lock // who leads, as Consul says
	relay *relay.Relay

	lingers time.Duration // when it stops, because others have it for their leader
}

func runSplit(ctx context.Context, c *config, s setup) error {
	p := &split{c: c, s: s, log: s.log.Named("split"), own: consul.Holder{URL: c.advertised()}}
	p.watch = s.consul.NewLock(c.Consul.Lock, p.own, "")
	p.relay = relay.New(p, s.gateway.TrustedProxies.Forwarded, p.log)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	srv := s.front.serve(p.relay, p.relay, l, s.log.Named("http"))
	p.log.Info("listening", "addr", l.Addr().String(), "role", c.Role, "version", version)

	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error { return p.watch.Watch(watching) })
	work, stop := context.WithCancelCause(ctx)
	g.Go(func() error {
		select {
		case err := <-srv.failed:
			stop(fmt.Errorf("serve %s: %w", l.Addr(), err))
		case <-work.Done():
		}
		return nil
	})
	if c.Role == roleGateway {
		<-work.Done()
	} else {
		err = p.stand(work)
	}
	if cause := context.Cause(work); ctx.Err() == nil && cause != nil {
		err = errors.Join(err, cause)
	}
	stop(nil)
	p.leave(srv.failed)
	// What waits here is answered by whoever leads next.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if late := srv.shutdown(grace); late != nil {
		p.log.Warn("cut off requests that did not end in time", "took", drainTimeout.String())
		err = errors.Join(err, srv.abort())
	}
	p.relay.Close()
	unwatch()
	return errors.Join(err, g.Wait())
}

// leave lets balancers, and agents that have this one for their leader, look elsewhere
// before the door closes: what is on its way to a connection as that is closed is lost.
// Until then all are answered.
func (p *split) leave(failed <-chan error) {
	p.relay.Leave()
	select {
	case err := <-failed:
		p.log.Warn("answers no longer while others look elsewhere", "error", err)
	case <-time.After(max(p.s.front.stopDelay, p.lingers)):
	}
}

// Leader tells the relay who leads.
func (p *split) Leader() (string, <-chan struct{}) {
	h, _, changed := p.watch.Holder()
	if h.URL == p.own.URL {
		h.URL = "" // an earlier run of this one, or what relay.Lead is about to tell
	}
	return h.URL, changed
}

// stand waits until this agent may lead, and leads until ctx ends or another agent
// does.
func (p *split) stand(ctx context.Context) error {
	release, err := p.folder(ctx)
	if err != nil {
		return err
	}
	defer release()
	session, err := p.remember()
	if err != nil {
		return err
	}
	if err := p.same(ctx); err != nil {
		return err
	}
	lock := p.s.consul.NewLock(p.c.Consul.Lock, p.own, session)
	lock.OnSession = func(id string) {
		if err := os.WriteFile(filepath.Join(p.c.DataDir, "session"), []byte(id), 0o600); err != nil {
			p.log.Warn("could not note the session of the lock; a restart after a crash takes longer", "error", err)
		}
	}
	keeping, giveBack := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error { return lock.Run(keeping) })
	defer func() { _ = g.Wait() }() // it has no errors
	defer giveBack()
	if !comes(ctx, lock, func() bool { return lock.Held() == nil }) {
		return nil
	}
	p.s.engine.Leads = lock.Held
	began := time.Now()
	st, err := openStack(ctx, p.s)
	if err != nil {
		return err
	}
	p.log.Info("leads", "addr", p.own.URL, "took", time.Since(began).String())
	leading, end := context.WithCancel(ctx)
	defer end()
	g.Go(func() error {
		comes(leading, lock, lock.Lost)
		end()
		return nil
	})
	err = st.run(leading, func(ctx context.Context) error {
		st.meshReady(ctx)
		p.lingers = lingerTime
		p.relay.Lead(st.handler)
		<-ctx.Done()
		p.relay.Lead(nil) // new requests wait for the next leader
		return p.drain(ctx, st)
	})
	if ctx.Err() == nil && err == nil {
		holder, _, _ := lock.Holder()
		return service.Errorf(service.ErrConflict, "the agent at %s leads now; start this one again to have it stand by", holder.URL)
	}
	return err
}

// drain lets what this agent answers end.
func (p *split) drain(ctx context.Context, st *stack) error {
	p.log.Info("leads no longer: waiting for calls in flight")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	// What has come in is let through to where it is counted, before the door closes.
	entering, done := context.WithTimeout(grace, entryTime)
	_ = p.relay.Drained(entering) // what goes on longer is in flight by now
	done()
	close(st.leaving)
	st.jobs.Close()
	err := errors.Join(st.gateway.Close(grace), p.relay.Drained(grace))
	if errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("left calls that did not end in time", "took", drainTimeout.String())
		return nil
	}
	return err
}

// comes waits for a fact about a lock; false: ctx ended first.
func comes(ctx context.Context, lock *consul.Lock, fact func() bool) bool {
	for {
		_, _, changed := lock.Holder()
		if fact() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// folder waits until no other agent has the data folder open.
func (p *split) folder(ctx context.Context) (release func(), err error) {
	for told := false; ; told = true {
		release, err := lockFolder(p.c.DataDir)
		if !errors.Is(err, service.ErrConflict) {
			return release, err
		}
		if !told {
			p.log.Info("stands by: another agent has the data folder open", "addr", p.c.DataDir)
		}
		select {
		case <-ctx.Done():
			return func() {}, nil
		case <-time.After(folderRetry):
		}
	}
}

// remember reads which data these are and the session that their last leader had.
// Who has the folder open may go on with that: the last leader has ended.
func (p *split) remember() (session string, err error) {
	name := filepath.Join(p.c.DataDir, "id")
	id, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		id = []byte(rand.Text())
		err = os.WriteFile(name, id, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("read which data these are: %w", err)
	}
	p.own.Data = strings.TrimSpace(string(id))
	text, err := os.ReadFile(filepath.Join(p.c.DataDir, "session"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the session of the last leader: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// same waits until Consul says that whoever led last had the same data as this
// agent has: an agent with other data must not take over, for it knows none of the
// modules.
func (p *split) same(ctx context.Context) error {
	for told := ""; ; {
		last, err := p.watch.Before(ctx)
		if err == nil && last.Data != "" && last.Data != p.own.Data {
			err = service.Errorf(service.ErrConflict, "stands by and cannot take over: the agent at %s led with another data folder. Give both the same one, "+
				"or each a consul.lock of its own; where the other data are lost, delete the key %s in Consul", last.URL, p.c.Consul.Lock)
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if told != err.Error() {
			p.log.Warn("may not lead", "error", err)
		}
		told = err.Error()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// runsAlone is an agent that does not share: it refuses data that another has open.
func runsAlone(ctx context.Context, c *config, s setup, stdout io.Writer) error {
	s.stdout = stdout
	release, err := lockFolder(c.DataDir)
	if err != nil {
		return err
	}
	defer release()
	st, err := openStack(ctx, s)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	s.log.Info("listening", "addr", l.Addr().String(), "version", version)
	return st.run(ctx, func(ctx context.Context) error {
		st.meshReady(ctx)
		return st.serve(ctx, l)
	})
}

// meshReady waits for the first identity in the mesh, where there is one.
func (st *stack) meshReady(ctx context.Context) {
	if st.dialer == nil {
		return
	}
	if err := st.dialer.Ready(ctx); err != nil {
		st.log.Warn("has no mesh identity yet; calls through the mesh wait for it", "error", err)
	}
}
