// Package gateway is where calls come in. It finds the service a URL means,
// holds the call while the service is started, passes it to an endpoint that
// has answered a probe, and counts what was used.
//
//	call --route--> service --acquire--> [none ready: wake, probe, queue] --lease--> proxy --sample--> Record
//
// It stands between callers and what the cluster runs: a [service.State] tells
// it where instances are, a waker raises a count from zero. It decides no count
// and knows neither scheduler, Nomad nor Consul; package main plugs them in.
//
// # A cold call
//
// All callers of a service that is not running wait in one bounded queue, first
// come first served, each on its own context. The first of them causes one
// wake, which none of them owns: it goes on when they leave. Instances are
// probed from the moment they have an address, over the transport that the call
// will use. The body of a held call stays with the caller, but for the first
// bytes that tell a typed call. While a body is unread net/http cannot see that
// its sender left; such a call keeps its place until its turn.
//
// # A warm call
//
// No lock that two services share, no database, no remote call: the set of
// ready endpoints is immutable and stands behind an atomic pointer. Warm calls
// go on when everything but the gateway and the instance is away.
//
// # What it will not do
//
// It never sends a call twice unless nothing of it was written or its method is
// declared idempotent and its body was kept; it never redirects, never rewrites
// a body, and never forwards to an endpoint that has not answered.
// All services share one origin: their cookies are confined to their own paths, and
// which pages may read an answer is the operator's to say.
package gateway
