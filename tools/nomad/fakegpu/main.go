// Command fakegpu is a Nomad device plugin that pretends to be a node's two
// NVIDIA A100 cards. The test cluster's gpu client runs it, so placement,
// device constraints and exclusive reservation are decided by the real Nomad
// without any hardware. It has the shape of the vendor's plugin: same vendor,
// type, attribute names and units, and the same environment variable for the
// task. It reports no statistics and mounts nothing.
//
// It lives in this nested module because a device plugin is built from Nomad's
// own plugin packages, which must never enter the product's go.mod.
package main

import (
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/nomad/plugins"
)

func main() {
	plugins.Serve(func(hclog.Logger) any { return card{} })
}
