// Package repos brings modules in from git: it clones a repository under limits,
// hands its files to the catalog, and keeps a record of each registration with a
// log that its developer can follow. It also takes the push hooks of GitHub and
// GitLab.
//
// It runs nothing that comes with a repository: no hook, no filter, no submodule.
// It does not read manifests (package catalog does), and does not build images
// (it is given a builder).
package repos
