// Package store keeps what dynsvc must not forget in one SQLite file: versions
// and their files, tags, what people decided about services, decisions, usage
// samples, owners, tokens (as hashes) and the audit trail.
//
// It stands at the end of two flows: catalog saves versions here and reads them
// back for everybody, and scheduler and gateway leave decisions and samples. It
// knows package service and nothing else of dynsvc. It holds no rules about who
// may do what, reads no manifest, never deletes a version, and keeps no
// uploaded archive: those are files beside the database.
//
// # Handles
//
// All writes go through one connection whose transactions begin immediate, so
// that writers queue in Go and never meet SQLITE_BUSY. What queues at the same
// moment goes into one transaction and is synced once, each caller's change in a
// savepoint of its own; see writer. Reads use a pool of read-only connections and
// see a snapshot; neither waits for the other.
//
// # Durability
//
// A method that returned nil has its change on disk (synchronous=FULL): neither
// kill -9 nor loss of power takes it back. A method that returned an error
// changed nothing, unless it says otherwise. A context that ends takes back what
// still queues; a change that runs is finished, and its outcome told.
//
// # Errors
//
// Errors are of the kinds in package service: ErrNotFound, ErrConflict,
// ErrInvalid, and ErrUnavailable where the disk or another process is in the
// way. The text of the first three is meant for the person who asked.
//
// # Times
//
// Times are stored as Unix milliseconds in UTC and come back as such: what is
// finer than a millisecond is cut off.
package store
