package main

import (
	"net"
	"net/url"
	"strings"
)

// advertised is where other agents reach this one.
func (c *config) advertised() string {
	if c.Consul.Advertise != "" {
		return strings.TrimSuffix(c.Consul.Advertise, "/")
	}
	scheme := "http://"
	if c.Gateway.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.Listen
}

// validateSplit reports what is wrong with the roles of several agents.
func (c *config) validateSplit(fault func(format string, args ...any)) {
	if c.Role != roleLeader && c.Role != roleGateway {
		fault("role = %q is neither \"leader\" nor \"gateway\"", c.Role)
	}
	if c.Consul == nil || c.Consul.Lock == "" {
		if c.Role == roleGateway {
			fault("role = \"gateway\" needs consul { lock = \"…\" }, the same as the agents that lead")
		}
		return
	}
	if strings.HasPrefix(c.Consul.Lock, "/") {
		fault("consul.lock = %q begins with a slash, which keys in Consul do not", c.Consul.Lock)
	}
	u, err := url.Parse(c.advertised())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		fault("consul.advertise = %q is not a URL such as http://10.0.0.5:8080", c.Consul.Advertise)
		return
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "" || ip != nil && ip.IsUnspecified() {
		fault("consul.advertise is needed where listen = %q: the URL by which other agents reach this one", c.Listen)
	}
}
