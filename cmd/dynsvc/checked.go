package main

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// checked is a cluster whose states carry what Consul's health checks say.
type checked struct {
	cluster

	mu     sync.Mutex // guards checks and orders the calls of apply
	checks map[service.ID]map[string]service.Check
}

// apply returns a listener for the cluster's changes that adds the checks.
func (c *checked) apply(next func(service.State)) func(service.State) {
	return func(s service.State) {
		c.mu.Lock()
		defer c.mu.Unlock()
		next(c.with(s))
	}
}

// set replaces the checks and tells next of the services that they change.
func (c *checked) set(checks map[service.ID]map[string]service.Check, next func(service.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.checks
	c.checks = checks
	states, _ := c.cluster.States()
	for _, s := range states {
		if !maps.Equal(before[s.ID], checks[s.ID]) {
			next(c.with(s))
		}
	}
}

// with returns the state with the checks in its endpoints. c.mu is held.
func (c *checked) with(s service.State) service.State {
	checks := c.checks[s.ID]
	if len(checks) == 0 {
		return s
	}
	endpoints := make([]service.Endpoint, len(s.Endpoints))
	for i, e := range s.Endpoints {
		e.Check = checks[e.Alloc]
		endpoints[i] = e
	}
	s.Endpoints = endpoints
	return s
}

// State reads one service anew.
func (c *checked) State(ctx context.Context, id service.ID) (service.State, error) {
	s, err := c.cluster.State(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.with(s), err
}

// States returns what is known of all services.
func (c *checked) States() ([]service.State, bool) {
	states, fresh := c.cluster.States()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range states {
		states[i] = c.with(s)
	}
	return states, fresh
}

// wait returns true once the cluster has been read whole, false when ctx ends first.
func (c *checked) wait(ctx context.Context) bool {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, fresh := c.cluster.States(); fresh {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
