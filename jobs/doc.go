// Package jobs runs calls for which nobody waits on a connection: call jobs. A
// job is on disk before its caller is told its id; from then on it is run, and
// it ends in one of four states.
//
//	Submit --insert--> queued --claim--> running --gateway--> answer --> done | failed
//	                     ^                  |
//	                     +--requeue---------+--> dead         cancelled: at any time before
//
// It stands beside the gateway, through which every attempt goes like any other
// call: it wakes the service, waits its turn and is metered. What it knows is in
// package store; what happens between two writes is lost when the agent dies.
//
// # Not lost, not doubled
//
// An attempt is on disk as claimed before the gateway hears of it, and as sent
// before anything is written to an instance. Whoever finds a job whose agent is
// gone can therefore tell: what was not sent is tried again; what was sent is
// tried again only if the method is declared idempotent; else the job is dead
// and says so. The number of the attempt fences: an agent that lost a job can
// change nothing of it.
//
// # Fairness
//
// The module with the fewest attempts running is next; among those the one that
// waited longest. Within a module jobs run in the order they are due, those of
// a caller who has enough running left out.
//
// # What it will not do
//
// It keeps no connection of a caller, knows no cluster, and does not
// continue an attempt that its agent had begun: a connection that closed is a
// job that was cancelled, for the instance as well.
package jobs
