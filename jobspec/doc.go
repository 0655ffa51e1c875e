// Package jobspec turns a version into the HCL of a Nomad job: it chooses the
// node classes that can hold it ([Place]), writes the job from a template
// ([Renderer.Render]), and checks what Nomad read out of that text
// ([Renderer.Verify]).
//
//	version + node classes --Place--> placement
//	version + placement --Render--> HCL --Nomad parses--> JSON --Verify--> submit
//
// It is pure: no clock, no network, no files but the templates, and the same
// input gives the same bytes. It does not import Nomad's packages; parsing is
// Nomad's own work, so that dynsvc and Nomad cannot disagree on what a text
// means.
//
// A template can only write what prints itself as an HCL literal, see [Data].
// Whatever a manifest says stays inside one quoted value.
package jobspec
