package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/consul"
	"github.com/dynsvc/dynsvc/service"
)

// run does the agent's work until ctx ends, then lets calls in flight end and
// stops. Calls are served through the listener by serve.
func (st *stack) run(ctx context.Context, serve func(ctx context.Context) error) error {
	// The parts outlive ctx until the last call is answered.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g, inner := errgroup.WithContext(inner)
	g.Go(func() error { return st.cluster.Run(inner, st.checks.apply(st.gateway.Apply)) })
	g.Go(func() error { return st.gateway.Run(inner) })
	g.Go(func() error { return st.shown.run(inner, st.log.Named("telemetry")) })
	g.Go(func() error { return st.jobs.Run(inner) })
	g.Go(func() error { return st.engine.Run(inner) })
	if st.facade != nil {
		g.Go(func() error { return st.facade.Run(inner) })
	}
	g.Go(func() error { return st.tokens.Run(inner) })
	g.Go(func() error { return st.git.Run(inner) })
	if st.builds != nil {
		g.Go(func() error { return st.builds.Run(inner) })
	}
	if st.consul != nil {
		g.Go(func() error {
			return st.consul.WatchHealth(inner, func(checks map[service.ID]map[string]service.Check) {
				st.checks.set(checks, st.gateway.Apply)
			})
		})
	}
	if st.dialer != nil {
		g.Go(func() error { return st.dialer.Run(inner) })
	}
	if st.consul != nil {
		g.Go(func() error { return st.register(inner) })
	}
	g.Go(func() error { return st.tidy(inner) })
	g.Go(func() error { return st.redeploy(inner) })
	g.Go(func() error {
		defer cancel()
		// Ends with ctx, or with the first part that fails.
		both, stop := context.WithCancel(inner)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		return serve(both)
	})
	err := g.Wait()
	if closing := st.db.Close(); err == nil {
		err = closing
	}
	return err
}

// register shows the gateway in Consul's catalog, for people and balancers.
func (st *stack) register(ctx context.Context) error {
	u, err := url.Parse(st.url)
	if err != nil {
		return fmt.Errorf("register the gateway in Consul: %w", err)
	}
	port, err := strconv.Atoi(cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
	if err != nil {
		return fmt.Errorf("register the gateway in Consul: the port of %s: %w", st.url, err)
	}
	at := consul.Registration{Address: u.Hostname(), Port: port, Meta: map[string]string{"version": version}}
	return st.consul.RegisterGateway(ctx, at, func() error { return st.db.Ping(ctx) })
}

// redeploy submits the versions whose job is missing: an earlier run may have
// ended between saving a version and submitting it.
func (st *stack) redeploy(ctx context.Context) error {
	if !st.checks.wait(ctx) {
		return nil
	}
	states, _ := st.checks.States()
	registered := make(map[service.ID]bool, len(states))
	for _, s := range states {
		registered[s.ID] = s.Registered
	}
	var missing []service.Version
	var present []service.ID
	err := st.db.AllModules(ctx, func(m service.Module) error {
		for _, v := range m.Versions {
			if registered[v.ID] {
				present = append(present, v.ID)
			} else {
				missing = append(missing, v)
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		st.log.Error("could not look for versions without a job", "error", err)
	}
	if st.dialer != nil {
		// Somebody may have deleted what lets the gateway in.
		if err := st.consul.EnsureIntentions(ctx, present); err != nil && ctx.Err() == nil {
			st.log.Error("could not check the intentions of the services", "error", err)
		}
	}
	for _, v := range missing {
		if ctx.Err() != nil {
			return nil
		}
		if err := st.deploy.Deploy(ctx, v); err != nil {
			st.log.Warn("could not submit a version; its first call tries again", "service", v.ID, "module", v.Module, "version", v.Version, "error", err)
			continue
		}
		st.log.Info("submitted a version that had no job", "service", v.ID, "module", v.Module, "version", v.Version)
	}
	return nil
}
