// Package local runs services as child processes of this program, or as containers of
// a Docker daemon that is there, on free ports of the loopback interface. It stands where Nomad and Consul stand in
// production, with the same verbs and the same State, so that everything before
// it (gateway, scheduler, catalog) is the very same on a laptop.
//
// It does not isolate or limit child processes: they are the developer's own modules.
// Containers have the limits and the environment that they have on a cluster. It
// talks to Docker by Docker's own program, and builds images for who asks.
package local
