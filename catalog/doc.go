// Package catalog turns what a developer uploads into a registered version: it
// unpacks the files, reads the manifest, names the content, keeps the files and
// has the version deployed.
//
// It stands first in the flow: [Catalog.Register] reads module.hcl (or KBase's
// kbase.yml) with [ReadManifest], asks the deployer whether anything could run
// it, writes the files to a bundle named by its digest, saves the version and
// its tags in the store, and hands it to the deployer, which makes the job with
// count 0.
//
// It does not start anything, does not know Nomad, and does not read the
// interface language: the interface file is kept as it is.
package catalog
