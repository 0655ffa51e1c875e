package main

import (
	"net/url"
	"time"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// gatewayConfig says how calls are taken in.
type gatewayConfig struct {
	QueueLength int           `hcl:"queue_length,optional"` // calls held for one service; default 1000
	Keepalive   string        `hcl:"keepalive,optional"`    // how long an unused connection to an instance is kept; default 1.5s
	Maxima      *maximaConfig `hcl:"maxima,block"`
	CORS        *corsConfig   `hcl:"cors,block"`
}

// corsConfig says which web pages may read the answers to their calls.
type corsConfig struct {
	Origins     []string `hcl:"origins,optional"`     // e.g. https://narrative.example.org; default all
	Credentials bool     `hcl:"credentials,optional"` // whether their calls may carry cookies
	MaxAge      string   `hcl:"max_age,optional"`     // for which browsers remember this; default 10m
}

func (c *corsConfig) cors() gateway.CORS {
	if c == nil {
		return gateway.CORS{}
	}
	return gateway.CORS{Origins: c.Origins, Credentials: c.Credentials, MaxAge: duration(c.MaxAge)}
}

func (c *corsConfig) validate(fault func(format string, args ...any)) {
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			fault("gateway.cors.origins has %q, which is not an origin such as https://narrative.example.org; without origins all pages may read", origin)
		}
	}
	if c.Credentials && len(c.Origins) == 0 {
		fault("gateway.cors.credentials needs origins: browsers refuse cookies where all pages may read")
	}
}

// maximaConfig is what the limits of a manifest may be at most, and what they
// are where a manifest sets none. Empty: anything.
type maximaConfig struct {
	Wait      string `hcl:"wait,optional"`
	FirstByte string `hcl:"first_byte,optional"`
	Idle      string `hcl:"idle,optional"`
	Total     string `hcl:"total,optional"`
}

func (c *maximaConfig) limits() service.Limits {
	if c == nil {
		return service.Limits{}
	}
	of := func(text string) service.Duration { return service.Duration{Duration: duration(text)} }
	return service.Limits{Wait: of(c.Wait), FirstByte: of(c.FirstByte), Idle: of(c.Idle), Total: of(c.Total)}
}

func (c *gatewayConfig) options() gateway.Options {
	return gateway.Options{QueueLength: c.QueueLength, IdleTimeout: duration(c.Keepalive), Maxima: c.Maxima.limits(), CORS: c.CORS.cors()}
}

func (c *gatewayConfig) durations() map[string]string {
	all := map[string]string{"gateway.keepalive": c.Keepalive}
	if m := c.Maxima; m != nil {
		all["gateway.maxima.wait"], all["gateway.maxima.first_byte"] = m.Wait, m.FirstByte
		all["gateway.maxima.idle"], all["gateway.maxima.total"] = m.Idle, m.Total
	}
	if c.CORS != nil {
		all["gateway.cors.max_age"] = c.CORS.MaxAge
	}
	return all
}

func (c *gatewayConfig) validate(fault func(format string, args ...any)) {
	for name, n := range map[string]int{"gateway.queue_length": c.QueueLength} {
		if n < 0 {
			fault("%s = %d is less than nothing", name, n)
		}
	}
	if c.CORS != nil {
		c.CORS.validate(fault)
	}
	for name, value := range c.durations() {
		if d, err := time.ParseDuration(value); value != "" && (err != nil || d <= 0) {
			fault("%s = %q is not a duration such as 90s or 10m", name, value)
		}
	}
}
