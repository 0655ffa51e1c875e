package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// writeConfig writes the part of a dynsvc agent's configuration that says where
// the cluster is.
func writeConfig(c *cluster.Cluster) (string, error) {
	text := fmt.Sprintf(`# A dynsvc agent for the cluster of go run ./e2e/devcluster.
nomad {
  address = %q
}

consul {
  address = %q
}
`, c.NomadAddr, c.ConsulAddr)
	name := filepath.Join(c.Dir, "dynsvc.hcl")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write the agent's configuration: %w", err)
	}
	return name, nil
}
