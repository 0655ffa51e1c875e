package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// await is WaitFor, and gives up at once when the process it waits for is gone.
func (c *Cluster) await(ctx context.Context, name, what string, limit time.Duration, f func(context.Context) error) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(p.exited())
		case <-ctx.Done():
		}
	}()
	return WaitFor(ctx, what, limit, f)
}

// awaitReady returns when the cluster can run a job of any kind.
func (c *Cluster) awaitReady(ctx context.Context) error {
	facts := []struct {
		what string
		f    func(context.Context) error
	}{
		{"a Consul leader", c.consulLeads},
		{"all Consul agents to have joined", c.consulJoined},
		{"a Nomad leader", c.nomadLeads},
		{"Nomad's signing keys", c.nomadSigns},   // without one no allocation gets its identity
		{"all agents to answer", c.agentsAnswer}, // a server believes in a dead one for a while
		{"all Nomad clients", c.nodesReady},
	}
	for _, fact := range facts {
		if err := WaitFor(ctx, fact.what, 90*time.Second, fact.f); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) consulJoined(context.Context) error {
	nodes, _, err := c.Consul.Health().State("passing", nil)
	if err != nil {
		return err
	}
	alive := map[string]bool{}
	for _, check := range nodes {
		if check.CheckID == "serfHealth" {
			alive[check.Node] = true
		}
	}
	for _, class := range Classes {
		if !alive["consul-"+class] {
			return fmt.Errorf("agent consul-%s is not alive", class)
		}
	}
	return nil
}

func (c *Cluster) nomadSigns(ctx context.Context) error {
	return answers(ctx, http.DefaultClient, c.NomadAddr+"/.well-known/jwks.json")
}

func (c *Cluster) agentsAnswer(ctx context.Context) error {
	var errs []error
	for _, class := range Classes {
		errs = append(errs,
			answers(ctx, http.DefaultClient, c.ClientAddrs[class]+"/v1/agent/health?type=client"),
			answers(ctx, http.DefaultClient, c.ConsulAddrs[class]+"/v1/agent/self"))
	}
	return errors.Join(errs...)
}

func (c *Cluster) nodesReady(ctx context.Context) error {
	stubs, _, err := c.Nomad.Nodes().List((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return err
	}
	nodes := map[string]*nomad.Node{}
	for _, stub := range stubs {
		node, _, err := c.Nomad.Nodes().Info(stub.ID, (&nomad.QueryOptions{}).WithContext(ctx))
		if err != nil {
			return err
		}
		// A client whose data was removed comes back as a new node; the old one is down.
		if old := nodes[node.Name]; old == nil || old.CreateIndex < node.CreateIndex {
			nodes[node.Name] = node
		}
	}
	var errs []error
	for _, class := range Classes {
		if nodes[class] == nil {
			errs = append(errs, fmt.Errorf("node %s has not registered", class))
		} else if err := c.nodeReady(nodes[class]); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", class, err))
		}
	}
	return errors.Join(errs...)
}

// nodeReady lists what a node lacks to be used by our jobs.
func (c *Cluster) nodeReady(n *nomad.Node) error {
	if n.Status != nomad.NodeStatusReady || n.SchedulingEligibility != nomad.NodeSchedulingEligible {
		return fmt.Errorf("it is %s and %s", n.Status, n.SchedulingEligibility)
	}
	var errs []error
	drivers := []string{"raw_exec", "exec"}
	if c.Registry != "" {
		drivers = append(drivers, "docker")
	}
	for _, name := range drivers {
		if d := n.Drivers[name]; d == nil || !d.Healthy {
			errs = append(errs, fmt.Errorf("driver %s is not healthy", name))
		}
	}
	for _, attr := range []string{"consul.version", "consul.connect", "consul.grpc", "plugins.cni.version.bridge"} {
		if n.Attributes[attr] == "" {
			errs = append(errs, fmt.Errorf("attribute %s is missing", attr))
		}
	}
	if !hasBridge(n) {
		errs = append(errs, errors.New("no bridge network"))
	}
	if n.NodeClass == "gpu" && cards(n) != 2 {
		errs = append(errs, fmt.Errorf("%d cards, want 2", cards(n)))
	}
	return errors.Join(errs...)
}

func hasBridge(n *nomad.Node) bool {
	for _, net := range n.NodeResources.Networks {
		if net.Mode == "bridge" {
			return true
		}
	}
	return false
}

func cards(n *nomad.Node) (healthy int) {
	for _, group := range n.NodeResources.Devices {
		if group.Vendor != "nvidia" || group.Type != "gpu" {
			continue
		}
		for _, d := range group.Instances {
			if d.Healthy {
				healthy++
			}
		}
	}
	return healthy
}
