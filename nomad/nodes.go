package nomad

import (
	"context"
	"math"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Nodes returns the machines of the cluster and what instances can have of them.
func (c *Cluster) Nodes(ctx context.Context) ([]service.Node, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	q.Params = map[string]string{"resources": "true"}
	stubs, _, err := c.calls.Nodes().List(q)
	if err != nil {
		return nil, classify(err, "list nodes")
	}
	nodes := make([]service.Node, 0, len(stubs))
	for _, s := range stubs {
		nodes = append(nodes, node(s))
	}
	return nodes, nil
}

func node(s *api.NodeListStub) service.Node {
	n := service.Node{
		ID: s.ID, Name: s.Name, Class: s.NodeClass, Pool: s.NodePool, Datacenter: s.Datacenter,
		Drivers: make(map[string]bool, len(s.Drivers)),
		Ready:   s.Status == api.NodeStatusReady && s.SchedulingEligibility == api.NodeSchedulingEligible && !s.Drain,
	}
	for name, d := range s.Drivers {
		if d != nil && d.Detected && d.Healthy {
			n.Drivers[name] = true
		}
	}
	if r := s.NodeResources; r != nil {
		n.CPU, n.Memory, n.Disk = int(r.Cpu.CpuShares), int(r.Memory.MemoryMB), int(r.Disk.DiskMB)
		for _, d := range r.Devices {
			n.Devices = append(n.Devices, device(d))
		}
	}
	if r := s.ReservedResources; r != nil {
		n.CPU = max(0, n.CPU-int(r.Cpu.CpuShares))
		n.Memory = max(0, n.Memory-int(r.Memory.MemoryMB))
		n.Disk = max(0, n.Disk-int(r.Disk.DiskMB))
	}
	return n
}

func device(d *api.NodeDeviceResource) service.Device {
	out := service.Device{Name: d.Vendor + "/" + d.Type, Model: d.Name, Memory: mebibytes(d.Attributes["memory"])}
	for _, i := range d.Instances {
		if i.Healthy {
			out.Count++
		}
	}
	return out
}

// unitBytes are the units that Nomad's device plugins may use.
var unitBytes = map[string]float64{
	"": 1 << 20, "B": 1, "byte": 1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// mebibytes reads an amount of memory; 0: there is none, or it is not understood.
func mebibytes(a *api.Attribute) int {
	if a == nil {
		return 0
	}
	var amount float64
	switch {
	case a.IntVal != nil:
		amount = float64(*a.IntVal)
	case a.FloatVal != nil:
		amount = *a.FloatVal
	default:
		return 0
	}
	return int(math.Floor(amount * unitBytes[strings.TrimSpace(a.Unit)] / (1 << 20)))
}
