package service

import "slices"

// Given is what an operator adds to a version as it is deployed. A manifest can
// say none of it, and it is not stored with the version.
type Given struct {
	Env     map[string]string `json:"env,omitempty"` // goes before the manifest's
	Volumes []Volume          `json:"volumes,omitempty"`
	Classes []string          `json:"classes,omitempty"` // node classes that it is held to; empty: all that fit
	// KBase says that the program expects what KBase gives to a module's container:
	// its parameters in the environment, and the file config.properties.
	KBase bool `json:"kbase,omitempty"`
}

// Volume is a folder of the node that an instance gets.
type Volume struct {
	Source   string `json:"source"` // name of the host volume
	Target   string `json:"target"` // path in the instance
	ReadOnly bool   `json:"read_only,omitempty"`
}

// ManifestsKBase are the names of KBase's manifest, in the order in which they are
// looked for.
var ManifestsKBase = []string{"kbase.yaml", "kbase.yml"}

// KBase reports whether the version is a module of KBase, by its manifest.
func (v *Version) KBase() bool { return slices.Contains(ManifestsKBase, v.Manifest) }
