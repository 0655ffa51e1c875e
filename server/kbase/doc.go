// Package kbase answers KBase's clients as KBase does: the Service Wizard, which
// says where a service is and starts it, and the part of the Catalog that is about
// dynamic services. It stands beside the control API in package server and speaks
// JSON-RPC 1.1 as KBase's clients expect it; docs/kbase.md has what is served.
//
// It is a facade: modules, versions and tags are those of package catalog, services
// are those of the scheduler, and what only KBase knows (release requests,
// favourites, parameters, mounts) is kept in the store. It passes no call to a
// service: their URLs, under /dynserv/, are the gateway's.
package kbase
