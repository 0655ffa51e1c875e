package main

import (
	"net/netip"
	"time"

	"github.com/dynsvc/dynsvc/jobs"
)

// callJobsConfig bounds calls that run as jobs. Zero is a default.
type callJobsConfig struct {
	Running          int      `hcl:"running,optional"`           // attempts at once, in all; default 256
	ModuleRunning    int      `hcl:"module_running,optional"`    // of one module; default 32
	CallerRunning    int      `hcl:"caller_running,optional"`    // of one caller; default 16
	ModuleQueued     int      `hcl:"module_queued,optional"`     // jobs queued of one module; default 10000
	CallerOpen       int      `hcl:"caller_open,optional"`       // jobs of one caller that have not ended; default 1000
	AddressOpen      int      `hcl:"address_open,optional"`      // the same of one address from which jobs without a token come; default 100
	Attempts         int      `hcl:"attempts,optional"`          // how often a call is sent where that is safe; default 3
	Keep             string   `hcl:"keep,optional"`              // how long jobs that have ended are kept; default 168h
	KeepMiB          int64    `hcl:"keep_mib,optional"`          // of results in all, the oldest go first; default 10240
	CallbackNetworks []string `hcl:"callback_networks,optional"` // that may be called back although they are not public
}

// options checks what the grammar cannot see and tells fault of all that is wrong.
func (c *callJobsConfig) options(fault func(format string, args ...any)) jobs.Options {
	o := jobs.Options{Running: c.Running, ModuleRunning: c.ModuleRunning, CallerRunning: c.CallerRunning,
		ModuleQueued: c.ModuleQueued, CallerOpen: c.CallerOpen, AddressOpen: c.AddressOpen, Attempts: c.Attempts, KeepBytes: c.KeepMiB << 20}
	for name, n := range map[string]int64{
		"running": int64(c.Running), "module_running": int64(c.ModuleRunning), "caller_running": int64(c.CallerRunning),
		"module_queued": int64(c.ModuleQueued), "caller_open": int64(c.CallerOpen), "address_open": int64(c.AddressOpen), "attempts": int64(c.Attempts), "keep_mib": c.KeepMiB,
	} {
		if n < 0 {
			fault("call_jobs.%s = %d must be 1 or more", name, n)
		}
	}
	if c.Keep != "" {
		d, err := time.ParseDuration(c.Keep)
		if err != nil || d <= 0 {
			fault("call_jobs.keep = %q is not a duration such as 168h", c.Keep)
		}
		o.Keep = d
	}
	for _, text := range c.CallbackNetworks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			fault("call_jobs.callback_networks has %q, which is not a network such as 10.1.0.0/16", text)
			continue
		}
		o.CallbackNetworks = append(o.CallbackNetworks, p)
	}
	return o
}

// loopback may be called back where everything is on one machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
