//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// TestAdaptersOnRealServers runs the tests that the two adapters keep beside
// their code against the servers of this run: what Nomad and Consul really
// answer, word for word where it is matched.
func TestAdaptersOnRealServers(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "test", "-tags", "e2e", "-count=1", "-run", "Real", "./nomad", "./consul")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+servers.NomadAddr, "REGISTRY="+servers.Registry, "DYNSVC_CONSUL_BIN="+servers.ConsulBin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
