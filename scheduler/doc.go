// Package scheduler decides how many instances each service has, and is the
// only writer of counts.
//
// It stands between what is seen and what is asked of the cluster:
//
//	states (cluster), loads (gateway), samples (store), time
//	  -> Snapshot -> Decide -> decisions -> store, gateway (drain), cluster (scale)
//
// [Decide] is a pure function: the same [Snapshot] gives the same decisions, so
// that a policy can be tried on a trace before it is trusted. In it strategies
// propose counts, the largest proposal wins, then the bounds of the version cap
// it and the guards keep a smaller count from coming too early. Each strategy is
// a file, see strategy.go for the list and docs/policy.md for the formulas.
//
// [Engine] feeds Decide every two seconds and at once when it is poked, and
// makes the decisions true: one change at a time for a service, each stored
// before it is asked for, each a compare-and-set on what was seen.
// [Engine.Wake] is the short way from nothing to one instance for a call that
// waits.
//
// It does not start programs, does not probe, and does not route calls. What it
// does not know it does not take for zero: without fresh data counts stay.
package scheduler
