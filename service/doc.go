// Package service holds the words of dynsvc as plain types, their validation,
// and the kinds of error. Every other package imports it; it imports none of
// ours and does no I/O.
//
// The words, one per idea, in code, API, pages and docs:
//
//   - module: a named unit that developers own, e.g. FilterContigs.
//   - version: one immutable registration of a module: semver and commit, or a
//     content digest where there is no git.
//   - tag: a movable name for a version: dev, beta, release.
//   - method: a callable function of a version; sync, async or both.
//   - service: a version as it runs: one Nomad job, one Consul service, a count.
//   - instance: one allocation of a service.
//   - endpoint: where an instance can be reached.
//   - wake: to bring a service from count 0 to a ready endpoint for a call.
//   - sample: usage of one service and method in one time bucket.
//   - policy: the rules that turn samples, health and time into a count.
//   - decision: one change of a count, with its reason and inputs.
//   - call job: one asynchronous call: durable, queryable.
package service
