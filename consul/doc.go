// Package consul speaks with Consul for dynsvc and is the only package that
// imports its API. It stands beside the way of a call, not in it:
//
//	Consul health --WatchHealth--> gateway and scheduler (one watch for all services)
//	Consul CA     --Dialer.Run---> the identity that calls into the mesh are made with
//	gateway       --DialContext--> TLS to a sidecar, both sides proven
//	registration  --Allow--------> an intention that lets the gateway in, and nothing else
//
// What is down here stays down here: when Consul is away, health is unknown
// (never "dead"), the certificate that is held is used until it expires, and
// open connections go on.
//
// It does not decide which instances exist: that is the scheduler's word
// (package nomad), and Consul only adds health to it. It registers no services:
// Nomad does. It never reads names back out of service ids.
package consul
