// Package metrics shows what the parts of the agent count to Prometheus. It
// counts nothing on the way of a call: the gateway's totals are read when somebody
// scrapes. Labels are bounded by what is registered: module, version, class of
// status, cold or not, and fixed lists; never a path, a method or a caller.
package metrics
