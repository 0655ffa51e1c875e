//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/e2e/cluster"
	"github.com/dynsvc/dynsvc/service"
)

// TestAServiceThatAsksForAGPUGetsOne checks that it lands where the cards are and
// that one of them is its own.
func TestAServiceThatAsksForAGPUGetsOne(t *testing.T) {
	t.Parallel()
	a := newAgent(t, meshed())
	m := container(t, "WantsGPU", "", `idle_after = "1m"`)
	m.resources = little + "\n" + `gpu "nvidia/gpu" {
      count      = 1
      min_memory = "24 GiB"
      model      = "A100"
    }`
	v := a.register(m)
	r, err := a.get(t.Context(), v, "/env")
	if err := r.good(err); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(r.body, &env); err != nil {
		t.Fatal(err)
	}
	stub := wantOneAllocation(t, v)
	if stub.NodeName != "gpu" {
		t.Errorf("it runs on %s, want gpu", stub.NodeName)
	}
	alloc, _, err := servers.Nomad.Allocations().Info(stub.ID, query(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	devices := alloc.AllocatedResources.Tasks["app"].Devices
	if len(devices) != 1 || devices[0].Type != "gpu" || len(devices[0].DeviceIDs) != 1 {
		t.Fatalf("reserved devices = %+v, want one card", devices)
	}
	if got := env["NVIDIA_VISIBLE_DEVICES"]; got != devices[0].DeviceIDs[0] {
		t.Errorf("NVIDIA_VISIBLE_DEVICES = %q, want the reserved card %q", got, devices[0].DeviceIDs[0])
	}
}

// TestServicesWithoutAGPULeaveItsNodeAlone starts several, more than one node's
// share.
func TestServicesWithoutAGPULeaveItsNodeAlone(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	const services = 6
	var versions []service.Version
	for i := range services {
		m := program(fmt.Sprintf("NoGPU%d", i), "", `idle_after = "1m"`)
		// Together they are more CPU than one node has.
		m.resources = "cpu = 2000\n memory = 64\n disk = 50"
		v := a.register(m)
		a.do("start", m.name+"@dev")
		versions = append(versions, v)
	}
	for _, v := range versions {
		a.calls(v)
		if alloc := wantOneAllocation(t, v); alloc.NodeName == "gpu" {
			t.Errorf("%s runs on the gpu node", v.Module)
		}
	}
}

// TestAServiceThatFitsNowhereIsRefusedWithEveryReason checks what its author is told.
func TestAServiceThatFitsNowhereIsRefusedWithEveryReason(t *testing.T) {
	t.Parallel()
	a := newAgent(t, meshed())
	m := container(t, "TooLarge", "", "")
	m.resources = "cpu = 100000\n memory = 409600\n disk = 50"
	stdout, stderr, code := a.cli("register", m.write(t))
	if code != 1 {
		t.Errorf("exit code %d, want 1\n%s%s", code, stdout, stderr)
	}
	for _, class := range cluster.Classes {
		line := ""
		for l := range strings.Lines(stderr) {
			if strings.HasPrefix(strings.TrimSpace(l), class+":") {
				line = l
			}
		}
		// 128 MiB and 100 MHz are the sidecar's.
		for _, reason := range []string{"memory 409728 MiB asked", "cpu 100100 MHz asked"} {
			if !strings.Contains(line, reason) {
				t.Errorf("class %s: %q does not say %q", class, strings.TrimSpace(line), reason)
			}
		}
	}
	if _, _, code := a.cli("status", "TooLarge@dev"); code != 1 {
		t.Errorf("status of a module that was refused: exit code %d, want 1", code)
	}
	if t.Failed() {
		t.Logf("the author was told:\n%s", stderr)
	}
}
