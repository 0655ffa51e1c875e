// Package nomad speaks to Nomad: it registers and scales the jobs of services,
// watches them, and says in words why one does not run. It is the only importer
// of Nomad's API client.
//
// It stands at the end of the way of a version (catalog, jobspec, then here) and
// at the end of a decision (scheduler, then here). What it sees goes back as
// whole [service.State] values: [Cluster.Run] keeps the state of all services in
// memory from one event stream and repeated lists, however many services exist.
//
// It does not decide counts, does not judge health, does not retry a write, and
// does not render or check jobspecs; [Cluster.Parse] only has Nomad read them.
package nomad
