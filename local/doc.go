// Package local runs services as child processes of this program, on free
// ports of the loopback interface. It stands where Nomad and Consul stand in
// production, with the same verbs and the same State, so that everything before
// it (gateway, scheduler, catalog) is the very same on a laptop.
//
// It does not isolate or limit what it runs: it is meant for the developer's own
// modules. It does not run container images.
package local
