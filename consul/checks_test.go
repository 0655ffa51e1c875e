package consul

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

const (
	allocA = "5229c7f8-376b-3ccc-edd9-981e238f7033"
	allocB = "322616db-2680-35d8-0d10-b50a0a0aa4cd"
)

func TestAllocOf(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"group service", "_nomad-task-" + allocA + "-group-app-dyn-filtercontigs-0a1b2c3d-http", allocA},
		{"its sidecar", "_nomad-task-" + allocA + "-group-app-dyn-filtercontigs-0a1b2c3d-http-sidecar-proxy", allocA},
		{"task service", "_nomad-task-" + allocB + "-redis-http-http", allocB},
		{"no port label", "_nomad-task-" + allocB + "-group-app-dyn-a-0a1b2c3d-", allocB},
		{"static port as label", "_nomad-task-" + allocB + "-group-api-count-api-9001-sidecar-proxy", allocB},
		{"the nomad agent itself", "_nomad-client-6ajcjkrdp2jhhrbtfqw3njlbdsdjrdbu", ""},
		{"registered by hand", "dyn-filtercontigs-0a1b2c3d", ""},
		{"no allocation", "_nomad-task-", ""},
		{"nothing behind it", "_nomad-task-" + allocA, ""},
		{"not a uuid", "_nomad-task-" + strings.Repeat("x", 36) + "-group-app-dyn-a-0a1b2c3d-http", ""},
		{"dashes elsewhere", "_nomad-task-5229c7f8a376b-3ccc-edd9-981e238f7033-group-app-x-http", ""},
		{"node check", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := allocOf(test.in)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("allocOf(%q) = %q, %v, want %q", test.in, got, ok, test.want)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	const id = "dyn-filtercontigs-0a1b2c3d"
	instance := func(alloc string) string { return taskPrefix + alloc + "-group-app-" + id + "-http" }
	check := func(alloc, status string, change ...func(*api.HealthCheck)) *api.HealthCheck {
		c := &api.HealthCheck{
			Node: "n1", CheckID: "_nomad-check-1", Type: "http", Status: status, Output: "HTTP GET: something",
			ServiceID: instance(alloc), ServiceName: id, CreateIndex: 20, ModifyIndex: 30,
		}
		for _, f := range change {
			f(c)
		}
		return c
	}
	neverRun := func(c *api.HealthCheck) { c.Output, c.ModifyIndex = "", c.CreateIndex }
	silentOutput := func(c *api.HealthCheck) { c.Output = "" }
	sidecar := func(c *api.HealthCheck) {
		c.ServiceID, c.ServiceName, c.Type = c.ServiceID+"-sidecar-proxy", c.ServiceName+"-sidecar-proxy", "tcp"
	}
	alias := func(c *api.HealthCheck) { sidecar(c); c.Type = "alias" }
	maintenance := func(c *api.HealthCheck) {
		neverRun(c)
		c.CheckID = "_service_maintenance:" + c.ServiceID
		c.Type = "maintenance"
	}
	node := func(c *api.HealthCheck) { c.ServiceID, c.ServiceName, c.CheckID, c.Type = "", "", "serfHealth", "" }
	other := func(c *api.HealthCheck) { c.ServiceName = "web" }
	byHand := func(c *api.HealthCheck) { c.ServiceID = id }
	second := func(c *api.HealthCheck) { c.Node = "n2" }

	is := func(alloc string, v service.Check) map[service.ID]map[string]service.Check {
		return map[service.ID]map[string]service.Check{id: {alloc: v}}
	}
	none := map[service.ID]map[string]service.Check{}
	tests := []struct {
		name string
		in   api.HealthChecks
		want map[service.ID]map[string]service.Check
	}{
		{"no checks", nil, none},
		{"passing", api.HealthChecks{check(allocA, "passing")}, is(allocA, service.Passing)},
		{"warning still takes calls", api.HealthChecks{check(allocA, "warning")}, is(allocA, service.Passing)},
		{"critical", api.HealthChecks{check(allocA, "critical")}, is(allocA, service.Critical)},
		{"critical without output after having passed", api.HealthChecks{check(allocA, "critical", silentOutput)}, is(allocA, service.Critical)},
		{"not run yet is unknown", api.HealthChecks{check(allocA, "critical", neverRun)}, is(allocA, service.Unknown)},
		{"a status nobody knows", api.HealthChecks{check(allocA, "fine")}, is(allocA, service.Unknown)},
		{"maintenance", api.HealthChecks{check(allocA, "passing"), check(allocA, "critical", maintenance)}, is(allocA, service.Critical)},
		{"worst of two", api.HealthChecks{check(allocA, "passing"), check(allocA, "critical")}, is(allocA, service.Critical)},
		{"worst of two, other order", api.HealthChecks{check(allocA, "critical"), check(allocA, "passing")}, is(allocA, service.Critical)},
		{"one of two not run", api.HealthChecks{check(allocA, "passing"), check(allocA, "critical", neverRun)}, is(allocA, service.Unknown)},
		{"sidecar counts to its service", api.HealthChecks{check(allocA, "passing"), check(allocA, "critical", sidecar)}, is(allocA, service.Critical)},
		{"sidecar alone", api.HealthChecks{check(allocA, "passing", sidecar)}, is(allocA, service.Passing)},
		{"alias of the sidecar says nothing new", api.HealthChecks{check(allocA, "critical", neverRun), check(allocA, "critical", alias)}, is(allocA, service.Unknown)},
		{"node down", api.HealthChecks{check(allocA, "passing"), check("", "critical", node)}, is(allocA, service.Critical)},
		{"another node down", api.HealthChecks{check(allocA, "passing", second), check("", "critical", node)}, is(allocA, service.Passing)},
		{"others' services", api.HealthChecks{check(allocA, "critical", other)}, none},
		{"not from nomad", api.HealthChecks{check(allocA, "critical", byHand)}, none},
		{"two allocations", api.HealthChecks{check(allocA, "passing"), check(allocB, "critical")},
			map[service.ID]map[string]service.Check{id: {allocA: service.Passing, allocB: service.Critical}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, verdicts(test.in)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}
