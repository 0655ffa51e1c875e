package main

import (
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// gatewayConfig says how calls are taken in.
type gatewayConfig struct {
	QueueLength  int           `hcl:"queue_length,optional"`  // calls held for one service; default 1000
	QueueTotal   int           `hcl:"queue_total,optional"`   // calls held for all services; default 10000
	Connections  int           `hcl:"connections,optional"`   // of callers at once; default 16384
	BodyMemory   int           `hcl:"body_memory,optional"`   // MiB for the beginnings of bodies that are read before a call is passed on; default 256
	UploadWindow string        `hcl:"upload_window,optional"` // in which a body whose call was passed on must bring upload_bytes; default 1m
	UploadBytes  int           `hcl:"upload_bytes,optional"`  // default 4096; -1: callers may be as slow as they like
	FastLane     *bool         `hcl:"fast_lane,optional"`     // serve HTTP/1.1 calls without net/http; default true
	StopDelay    string        `hcl:"stop_delay,optional"`    // from /readyz saying no to refusing calls, when the agent stops; default 0s
	TLS          *tlsConfig    `hcl:"tls,block"`
	Keepalive    string        `hcl:"keepalive,optional"`         // how long an unused connection to an instance is kept; default 1.5s
	Silence      string        `hcl:"websocket_silence,optional"` // after which a WebSocket without a message is closed whose version sets no idle; default 1h, 0s: never
	Maxima       *maximaConfig `hcl:"maxima,block"`
	CORS         *corsConfig   `hcl:"cors,block"`

	TrustedProxies []string `hcl:"trusted_proxies,optional"` // networks or addresses that are believed in X-Forwarded-*; default none
}

// tlsConfig is what the agent shows callers who speak TLS. With it, it speaks
// nothing else.
type tlsConfig struct {
	CertFile string `hcl:"cert_file"`
	KeyFile  string `hcl:"key_file"`
}

// front is how the agent meets its callers.
type front struct {
	connections int
	stopDelay   time.Duration
	slow        bool         // all callers are net/http's
	certificate *certificate // nil: no TLS
}

const defaultConnections = 16 << 10

func (c *gatewayConfig) front(log hclog.Logger) (front, error) {
	f := front{connections: c.Connections, stopDelay: duration(c.StopDelay), slow: c.FastLane != nil && !*c.FastLane}
	if f.connections == 0 {
		f.connections = defaultConnections
	}
	if c.TLS == nil {
		return f, nil
	}
	var err error
	f.certificate, err = openCertificate(c.TLS.CertFile, c.TLS.KeyFile, log)
	return f, err
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
	return gateway.Options{QueueLength: c.QueueLength, QueueTotal: c.QueueTotal, BodyBytes: int64(c.BodyMemory) << 20, IdleTimeout: duration(c.Keepalive), Maxima: c.Maxima.limits(), CORS: c.CORS.cors(),
		Silence:        silence(c.Silence),
		Pace:           gateway.Pace{Window: duration(c.UploadWindow), Bytes: int64(c.UploadBytes)},
		TrustedProxies: c.trustedProxies(func(string, ...any) {})} // validate has told of all faults
}

// silence is a duration of which zero is never.
func silence(text string) time.Duration {
	if text != "" && duration(text) == 0 {
		return -1
	}
	return duration(text)
}

func (c *gatewayConfig) trustedProxies(fault func(format string, args ...any)) (all []netip.Prefix) {
	for _, text := range c.TrustedProxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, single := netip.ParseAddr(text)
			if single != nil {
				fault("gateway.trusted_proxies has %q, which is neither a network such as 10.0.0.0/8 nor an address", text)
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, prefix.Masked())
	}
	return all
}

func (c *gatewayConfig) durations() map[string]string {
	all := map[string]string{"gateway.keepalive": c.Keepalive, "gateway.upload_window": c.UploadWindow, "gateway.stop_delay": c.StopDelay, "gateway.websocket_silence": c.Silence}
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
	c.CORS.validate(fault)
	c.trustedProxies(fault)
	if c.UploadBytes < -1 {
		fault("gateway.upload_bytes = %d is neither a number of bytes nor -1 for any", c.UploadBytes)
	}
	for name, n := range map[string]int{"gateway.queue_length": c.QueueLength, "gateway.queue_total": c.QueueTotal,
		"gateway.connections": c.Connections, "gateway.body_memory": c.BodyMemory} {
		if n < 0 {
			fault("%s = %d is less than nothing", name, n)
		}
	}
	for name, value := range c.durations() {
		if d, err := time.ParseDuration(value); value != "" && (err != nil || d < 0 || d == 0 && name != "gateway.stop_delay" && name != "gateway.websocket_silence") {
			fault("%s = %q is not a duration such as 90s or 10m", name, value)
		}
	}
}
