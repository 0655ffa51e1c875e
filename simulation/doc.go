// Package simulation tries policies on traces of calls.
//
//	trace (Azure's CSV, dynsvc's own samples, a generator) -> [Replay] -> [Result]
//
// A replay goes minute by minute: the snapshot of each minute goes through
// [scheduler.Decide], the function that decides in an agent, learning as there
// from what has been and nothing else; then the minute's calls come. The peers
// that results are put beside, Knative's autoscaler and the hybrid histogram
// policy, are written down here from what their authors published.
//
// The convention of minutes: who calls in a minute finds an instance if there is
// one at the minute's beginning, else it is a cold start, of which there is at
// most one a service and minute. An instance counts for each minute that it is
// there in, with or without calls, and a cold start counts one minute more, for
// the instance that comes up while its caller waits. So a fixed keep-alive of ten
// minutes keeps the instance of a call in minute i through minute i+9.
//
// The same trace and policy give the same result, to the last digit.
package simulation
