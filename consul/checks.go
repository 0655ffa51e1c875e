package consul

import (
	"strings"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

const (
	servicePrefix = "dyn-"
	taskPrefix    = "_nomad-task-" // then the allocation's id, the group or task, the service, the port
	sidecarSuffix = "-sidecar-proxy"
	uuidLength    = 36
)

// verdicts reduces the catalog's checks to one verdict an allocation: the worst
// of its own checks, its sidecar's and its node's. Allocations without a check
// are not in the answer: nothing is known of them.
func verdicts(checks api.HealthChecks) map[service.ID]map[string]service.Check {
	down := map[string]bool{} // nodes that Consul calls critical
	for _, check := range checks {
		if check.ServiceID == "" && verdict(check) == service.Critical {
			down[check.Node] = true
		}
	}
	all := map[service.ID]map[string]service.Check{}
	for _, check := range checks {
		name, sidecar := strings.CutSuffix(check.ServiceName, sidecarSuffix)
		alloc, ok := allocOf(check.ServiceID)
		if !ok || !strings.HasPrefix(name, servicePrefix) {
			continue
		}
		// The alias repeats the service's own checks, and calls one that has not run yet critical.
		if sidecar && check.Type == "alias" {
			continue
		}
		is := verdict(check)
		if down[check.Node] {
			is = service.Critical
		}
		id := service.ID(name)
		if all[id] == nil {
			all[id] = map[string]service.Check{}
		}
		if was, seen := all[id][alloc]; seen {
			is = worse(was, is)
		}
		all[id][alloc] = is
	}
	return all
}

// verdict translates one check. Consul gives a check that has never run the
// status critical; it is told from a real one by having no output and never
// having been written again. Maintenance has no output either, and is meant.
func verdict(check *api.HealthCheck) service.Check {
	switch check.Status {
	case api.HealthPassing, api.HealthWarning:
		return service.Passing
	case api.HealthCritical, api.HealthMaint:
		maintenance := check.CheckID == api.NodeMaint || strings.HasPrefix(check.CheckID, api.ServiceMaintPrefix)
		if !maintenance && check.Output == "" && check.CreateIndex == check.ModifyIndex {
			return service.Unknown
		}
		return service.Critical
	}
	return service.Unknown
}

func worse(a, b service.Check) service.Check {
	for _, bad := range []service.Check{service.Critical, service.Unknown} {
		if a == bad || b == bad {
			return bad
		}
	}
	return service.Passing
}

// allocOf returns the allocation that Nomad registered a service instance for:
// _nomad-task-<allocation>-group-<group>-<service>-<port>, with -sidecar-proxy
// behind it for the sidecar.
func allocOf(instance string) (alloc string, ok bool) {
	rest, ok := strings.CutPrefix(instance, taskPrefix)
	if !ok || len(rest) <= uuidLength || rest[uuidLength] != '-' {
		return "", false
	}
	alloc = rest[:uuidLength]
	for i, r := range alloc {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return "", false
		}
	}
	return alloc, true
}
