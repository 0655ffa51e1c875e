package consul

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
)

const (
	reportEvery = 5 * time.Second
	reportTTL   = 15 * time.Second
	// A gateway that was killed disappears from the catalog after this.
	deregisterAfter = 10 * time.Minute
)

// Registration is how a gateway appears in Consul's catalog, for people and
// load balancers to find. The mesh identity does not depend on it.
type Registration struct {
	Address string // where callers reach the gateway
	Port    int
	Meta    map[string]string // e.g. the version of the program
}

// RegisterGateway keeps a gateway in the catalog as [GatewayName] until ctx
// ends, and takes it out then. Every 5 seconds it reports what healthy says.
// It registers again when the agent has forgotten it.
func (c *Client) RegisterGateway(ctx context.Context, r Registration, healthy func() error) error {
	id := GatewayName + "-" + net.JoinHostPort(r.Address, strconv.Itoa(r.Port))
	log := c.log.Named("catalog")
	registered, lost := false, false
	defer func() {
		if !registered {
			return
		}
		q, _, cancel := within(context.WithoutCancel(ctx))
		defer cancel()
		if err := c.api.Agent().ServiceDeregisterOpts(id, q); err != nil {
			log.Warn("did not deregister the gateway", "error", c.explain("deregister "+id, err))
		}
	}()
	for ctx.Err() == nil {
		err := c.report(ctx, id, r, healthy())
		switch {
		case err == nil:
			if !registered || lost {
				log.Info("registered the gateway", "service", id)
			}
			registered, lost = true, false
		case ctx.Err() == nil && !lost:
			log.Warn("did not report the gateway", "error", err)
			lost = true
		}
		pause(ctx, reportEvery)
	}
	return nil
}

// report tells the agent how the gateway is, and registers it where the agent
// does not know it.
func (c *Client) report(ctx context.Context, id string, r Registration, ill error) error {
	status, output := api.HealthPassing, ""
	if ill != nil {
		status, output = api.HealthCritical, ill.Error()
	}
	q, _, cancel := within(ctx)
	defer cancel()
	check := "service:" + id
	err := c.api.Agent().UpdateTTLOpts(check, output, status, q)
	if err == nil {
		return nil
	}
	if !absent(err) {
		return c.explain("report "+id, err)
	}
	err = c.api.Agent().ServiceRegisterOpts(&api.AgentServiceRegistration{
		ID: id, Name: GatewayName, Address: r.Address, Port: r.Port, Meta: r.Meta,
		Check: &api.AgentServiceCheck{
			CheckID:                        check,
			Name:                           "gateway reports itself",
			TTL:                            reportTTL.String(),
			Status:                         status,
			DeregisterCriticalServiceAfter: deregisterAfter.String(),
		},
	}, api.ServiceRegisterOpts{}.WithContext(q.Context()))
	if err != nil {
		return c.explain(fmt.Sprintf("register %s", id), err)
	}
	return nil
}
