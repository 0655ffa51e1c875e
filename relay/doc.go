// Package relay stands before an agent of several: every request is answered as the
// agent that leads answers it. Where that is this one, its own handler does; else the
// request is passed on, and its answer back, and while nobody leads it waits.
//
//	request --> Relay --this agent leads---> its handler
//	               \----another one leads--> upstream.Pool --> the leader
//	                \---nobody leads-------> wait
//
// What was not written to a leader yet is passed to the next one; what was is never
// sent twice, unless HTTP says that it changes nothing. Most goes over connections of
// package upstream; what is upgraded, and two-way streams over HTTP/2, go as the
// standard proxy passes them on.
//
// It looks into nothing: routes, limits and identities are the leader's. Of where a
// request comes from it tells the leader what it knows itself or was told by a proxy
// that is trusted, so that nobody can pretend through it what they could not directly.
package relay
