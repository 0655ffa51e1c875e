package main

import (
	"net/url"

	"github.com/dynsvc/dynsvc/gateway"
)

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

// trusted are the origins whose pages may send cookies.
func (c *corsConfig) trusted() []string {
	if c == nil || !c.Credentials {
		return nil
	}
	return c.Origins
}

func (c *corsConfig) validate(fault func(format string, args ...any)) {
	if c == nil {
		return
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			fault("gateway.cors.origins has %q, which is not an origin such as https://narrative.example.org; without origins all pages may read", origin)
		}
	}
	if c.Credentials && len(c.Origins) == 0 {
		fault("gateway.cors.credentials needs origins: browsers refuse cookies where all pages may read")
	}
}
