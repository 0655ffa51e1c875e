package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// startConsul starts the server and waits for its leader, then the agents.
func (c *Cluster) startConsul(ctx context.Context) error {
	err := c.runConsul("consul-server", map[string]any{
		"server":      true,
		"bootstrap":   true,
		"bind_addr":   c.slot.ip(1),
		"client_addr": c.slot.ip(1),
		"ui_config":   map[string]any{"enabled": true},
		"performance": map[string]any{"raft_multiplier": 1},
	})
	if err != nil {
		return err
	}
	if err := c.await(ctx, "consul-server", "a Consul leader", 30*time.Second, c.consulLeads); err != nil {
		return err
	}
	for i, class := range Classes {
		clientAddr := c.slot.ip(11 + i)
		if i == 0 {
			// The clients share one bridge, so one node's agent is what tasks in
			// bridge networks talk to. As on a real node it is no server: it goes
			// on with what it has when the servers are away.
			clientAddr += " " + c.slot.bridgeIP()
		}
		err := c.runConsul("consul-"+class, map[string]any{
			"bind_addr":   c.slot.ip(11 + i),
			"client_addr": clientAddr,
			"retry_join":  []string{c.slot.ip(1)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// runConsul writes the configuration of one agent, what all have in common
// added, and starts it.
func (c *Cluster) runConsul(name string, config map[string]any) error {
	config["node_name"] = name
	config["datacenter"] = "dc1"
	config["data_dir"] = c.data(name)
	config["log_level"] = "INFO"
	config["disable_update_check"] = true
	// An agent that says goodbye takes 3 s over it, and tests want it to be gone.
	config["leave_on_terminate"] = false
	config["connect"] = map[string]any{"enabled": true}
	// Nothing may talk to anything until an intention says so; every agent must
	// know, since the destination's own agent decides.
	config["default_intention_policy"] = "deny"
	config["ports"] = map[string]any{"grpc": 8502, "grpc_tls": -1, "dns": -1, "serf_wan": -1}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("print the configuration of %s: %w", name, err)
	}
	file := c.data(name + ".json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	return c.run(name, []string{c.ConsulBin, "agent", "-config-file=" + file})
}

func (c *Cluster) consulLeads(context.Context) error {
	leader, err := c.Consul.Status().Leader()
	if err != nil {
		return err
	}
	if leader == "" {
		return errors.New("no leader yet")
	}
	return nil
}
