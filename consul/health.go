package consul

import (
	"context"
	"maps"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

// healthWait is short, so that an answer is due well before the silence is one.
const healthWait = 10 * time.Second

// healthFilter is applied by Consul after each wake-up: what is watched is the
// whole table of checks (any change of a status wakes, output alone does not),
// what travels is our services and the nodes that are down.
const healthFilter = `ServiceName matches "^` + servicePrefix + `" or (ServiceName == "" and Status == "` + api.HealthCritical + `")`

// WatchHealth calls changed with the verdict on every allocation of every
// dynsvc service, whole, at first and at each change, until ctx ends. An
// allocation that is not in the map is unknown. When Consul has not been heard
// for 30 seconds, changed gets an empty map: everything is unknown, and nothing
// is dead because of that. The map belongs to the callee.
func (c *Client) WatchHealth(ctx context.Context, changed func(map[service.ID]map[string]service.Check)) error {
	var (
		last  map[service.ID]map[string]service.Check
		known bool
	)
	log := c.log.Named("health")
	w := watch{
		log:  log,
		wait: healthWait,
		read: func(q *api.QueryOptions) (uint64, error) {
			q.Filter = healthFilter
			checks, meta, err := c.api.Health().State(api.HealthAny, q)
			if err != nil {
				return 0, c.explain("watch health", err)
			}
			now := verdicts(checks)
			if !known || !maps.EqualFunc(last, now, maps.Equal[map[string]service.Check, map[string]service.Check]) {
				last, known = copied(now), true
				c.fresh.Store(true)
				changed(now)
			}
			return meta.LastIndex, nil
		},
		silent: func() {
			c.fresh.Store(false)
			if known {
				log.Warn("stopped believing in health", "reason", "consul was not heard for "+silence.String())
				last, known = nil, false
				changed(map[service.ID]map[string]service.Check{})
			}
		},
	}
	w.run(ctx)
	c.fresh.Store(false)
	return nil
}

func copied(of map[service.ID]map[string]service.Check) map[service.ID]map[string]service.Check {
	all := make(map[service.ID]map[string]service.Check, len(of))
	for id, allocs := range of {
		all[id] = maps.Clone(allocs)
	}
	return all
}
