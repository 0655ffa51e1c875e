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
// most one a service and minute. Up-minutes are the minutes that an instance is
// there in, with or without calls: a fixed keep-alive of ten minutes keeps that of
// a call in minute i through minute i+9. Instance-minutes, which budgets are of,
// are these and one for each instance that was started, cold or ahead of a call,
// by whatever policy: coming up costs too, and a policy that starts and stops much
// is not to look cheap.
//
// The same trace and policy give the same result, to the last digit.
package simulation
