package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// writeConfig writes a dynsvc agent's configuration for the cluster.
func writeConfig(c *cluster.Cluster) (string, error) {
	text := fmt.Sprintf(`# A dynsvc agent for the cluster of go run ./e2e/devcluster.
data_dir = %q
token    = "dev-cluster"

nomad {
  address = %q
}

consul {
  address = %q
}

# Consul's built-in proxy as the sidecar: there is no Envoy image here.
jobs {
  mesh           = "connect"
  sidecar        = "consul"
  consul_binary  = %q
  consul_address = %q
  drivers        = ["docker", "exec", "raw_exec"]
}
`, filepath.Join(c.Dir, "data"), c.NomadAddr, c.ConsulAddr, c.ConsulBin, c.BridgeAddr)
	name := filepath.Join(c.Dir, "dynsvc.hcl")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write the agent's configuration: %w", err)
	}
	return name, nil
}
