package cluster

import (
	"context"
	"net"
)

// makeBridges makes both bridges with their addresses. Nomad would make its own
// at the first job, too late for the Consul agent that listens on it.
func (c *Cluster) makeBridges(ctx context.Context) error {
	links := []struct{ name, cidr string }{{c.slot.bridge(), c.slot.bridgeIP() + "/20"}}
	if c.Registry != "" {
		links = append(links, struct{ name, cidr string }{c.slot.dockerBridge(), c.slot.dockerBridgeIP() + "/20"})
	}
	for _, link := range links {
		for _, args := range [][]string{
			{"link", "add", link.name, "type", "bridge"},
			{"addr", "add", link.cidr, "dev", link.name},
			{"link", "set", link.name, "up"},
		} {
			if _, err := output(ctx, "ip", args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeBridges removes those that are there.
func (s *slot) removeBridges(ctx context.Context) error {
	for _, name := range []string{s.bridge(), s.dockerBridge()} {
		if _, err := net.InterfaceByName(name); err != nil {
			continue
		}
		if _, err := output(ctx, "ip", "link", "delete", name); err != nil {
			return err
		}
	}
	return nil
}
