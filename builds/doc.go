// Package builds has images built of modules that come with a Dockerfile. It stands
// between the catalog, which asks for an image when such a module is registered, and
// the cluster, where a run of a batch job builds and pushes it.
//
// The same files are built once however many ask, so many builds go on at a time,
// each has a log that is followed live and kept, and what fails is said in words that
// the Dockerfile's author understands. A build whose askers have all left is ended; one
// that an agent left behind is found again by who asks next.
//
// It runs no Docker itself, chooses no node and reads no manifest.
package builds
