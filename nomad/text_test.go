package nomad

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

func at(ms int, e *taskEvent) *taskEvent {
	e.Time = int64(ms) * int64(time.Millisecond)
	return e
}

func TestDiagnose(t *testing.T) {
	tests := []struct {
		name  string
		task  string
		state taskState
		want  service.Failure
	}{
		{"exit", "app", taskState{State: "dead", Failed: true, Events: []*taskEvent{at(0, details("Started")), at(3250, details("Terminated", "exit_code", "2", "signal", "0", "oom_killed", "false")), details("Not Restarting")}},
			service.Failure{Cause: service.Exited, Text: "the program exited with code 2 after 3.2 s"}},
		{"restarting", "app", taskState{State: "pending", Events: []*taskEvent{at(0, details("Started")), at(20, details("Terminated", "exit_code", "1")), details("Restarting")}},
			service.Failure{Cause: service.Exited, Text: "the program exited with code 1 after 20 ms"}},
		{"memory", "app", taskState{State: "dead", Failed: true, Events: []*taskEvent{at(0, details("Started")), at(61_000, details("Terminated", "exit_code", "137", "signal", "9", "oom_killed", "true"))}},
			service.Failure{Cause: service.Exited, Text: "the program was killed after 1m1s because it used more memory than it may"}},
		{"signal", "app", taskState{State: "dead", Failed: true, Events: []*taskEvent{at(0, details("Started")), at(12_000, details("Terminated", "exit_code", "139", "signal", "11"))}},
			service.Failure{Cause: service.Exited, Text: "the program was ended by signal 11 after 12 s"}},
		{"sidecar", "connect-proxy-dyn-a", taskState{State: "dead", Failed: true, Events: []*taskEvent{at(0, details("Started")), at(100, details("Terminated", "exit_code", "1"))}},
			service.Failure{Cause: service.Exited, Text: "the Connect sidecar exited with code 1 after 0.1 s"}},
		{"sidecar image", "connect-proxy-dyn-a", taskState{State: "pending", Events: []*taskEvent{details("Driver Failure", "driver_error", "Failed to pull `envoy`: dial tcp: connection refused")}},
			service.Failure{Cause: service.BadImage, Text: "the image of the Connect sidecar cannot be had: Failed to pull `envoy`: dial tcp: connection refused"}},
		{"artifact", "app", taskState{State: "pending", Events: []*taskEvent{details("Failed Artifact Download", "download_error", `failed to download artifact "http://x/y": bad response code: 404`)}},
			service.Failure{Cause: service.BadImage, Text: `the artifact cannot be had: failed to download artifact "http://x/y": bad response code: 404`, Final: true}},
		{"setup", "app", taskState{State: "dead", Failed: true, Events: []*taskEvent{details("Setup Failure", "setup_error", "failed to setup alloc: pre-run hook \"network\" failed")}},
			service.Failure{Cause: service.Rejected, Text: `the program could not be set up: failed to setup alloc: pre-run hook "network" failed`}},
		{"secret", "app", taskState{State: "pending", Events: []*taskEvent{{Type: "Template", DisplayMessage: "Missing: nomad.var.block(nomad/jobs/x@default.global)"}}},
			service.Failure{Cause: service.Rejected, Text: "the program waits for a value: Missing: nomad.var.block(nomad/jobs/x@default.global)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &allocation{ID: "one", ClientStatus: "pending", TaskStates: map[string]*taskState{tt.task: &tt.state}}
			got, blamed := diagnose(a)
			if got == nil {
				t.Fatal("no failure")
			}
			tt.want.Alloc, tt.want.At = "one", got.At
			if diff := cmp.Diff(tt.want, *got); diff != "" || blamed != tt.task {
				t.Errorf("task %q: %s", blamed, diff)
			}
		})
	}
	healthy := &allocation{TaskStates: map[string]*taskState{"app": {State: "running", Events: []*taskEvent{details("Terminated", "exit_code", "1"), details("Restarting"), details("Started")}}}}
	if got, _ := diagnose(healthy); got != nil {
		t.Errorf("a program that runs again has failure %+v", got)
	}
	sibling := &allocation{ClientStatus: "failed", TaskStates: map[string]*taskState{
		"app":                 {State: "dead", Failed: true, Events: []*taskEvent{at(5, details("Sibling Task Failed")), at(6, details("Killing")), at(7, details("Terminated", "exit_code", "143")), at(8, details("Killed"))}},
		"connect-proxy-dyn-a": {State: "dead", Failed: true, Events: []*taskEvent{at(1, details("Started")), at(4, details("Terminated", "exit_code", "1"))}},
	}}
	if got, blamed := diagnose(sibling); blamed != "connect-proxy-dyn-a" {
		t.Errorf("blamed %q: %+v", blamed, got)
	}
}

func TestMetrics(t *testing.T) {
	tests := []struct {
		in   metrics
		want string
	}{
		{metrics{DimensionExhausted: map[string]int{"memory": 2, "cpu": 1}}, "memory exhausted on 2 nodes, cpu exhausted on 1 node"},
		{metrics{ConstraintFiltered: map[string]int{"${node.class} = gpu": 2, computedClass: 3, "missing drivers": 1}},
			"3 nodes like those, 2 nodes without ${node.class} = gpu, missing drivers on 1 node"},
		{metrics{QuotaExhausted: []string{"memory"}}, "quota memory exhausted"},
		{metrics{NodePool: "gpu"}, `node pool "gpu" has no nodes that are ready`},
		{metrics{NodesInPool: 3}, "no node of its datacenters is ready"},
		{metrics{NodesInPool: 3, NodesAvailable: map[string]int{"dc1": 3}, NodesEvaluated: 3}, "3 nodes looked at, none fits"},
	}
	for _, tt := range tests {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestAddress(t *testing.T) {
	ports := func(p ...api.PortMapping) *allocation {
		return &allocation{JobID: "dyn-a", AllocatedResources: &api.AllocatedResources{Shared: api.AllocatedSharedResources{Ports: p}}}
	}
	tests := []struct {
		in        *allocation
		addr      string
		transport service.Transport
	}{
		{&allocation{JobID: "dyn-a"}, "", ""},
		{ports(api.PortMapping{Label: "other", HostIP: "10.0.0.1", Value: 1}), "", ""},
		{ports(api.PortMapping{Label: "http", HostIP: "10.0.0.1", Value: 8080}), "10.0.0.1:8080", service.Plain},
		{ports(api.PortMapping{Label: "http", HostIP: "fd00::1", Value: 8080}), "[fd00::1]:8080", service.Plain},
		{ports(api.PortMapping{Label: "http", HostIP: "10.0.0.1", Value: 1}, api.PortMapping{Label: "connect-proxy-dyn-a", HostIP: "10.0.0.1", Value: 2}), "10.0.0.1:2", service.Mesh},
	}
	for _, tt := range tests {
		if addr, transport := address(tt.in); addr != tt.addr || transport != tt.transport {
			t.Errorf("got %q %q, want %q %q", addr, transport, tt.addr, tt.transport)
		}
	}
	for name, want := range map[string]int{"dyn-a.app[0]": 0, "dyn-a.app[13]": 13, "dyn-a": 0} {
		if got := nameIndex(name); got != want {
			t.Errorf("index of %q = %d, want %d", name, got, want)
		}
	}
}

func TestNode(t *testing.T) {
	in := &api.NodeListStub{ID: "n", Name: "big", NodeClass: "gpu", NodePool: "default", Datacenter: "dc1", Status: "ready", SchedulingEligibility: "eligible",
		Drivers: map[string]*api.DriverInfo{"docker": {Detected: true, Healthy: true}, "exec": {Detected: true}},
		NodeResources: &api.NodeResources{Cpu: api.NodeCpuResources{CpuShares: 8000}, Memory: api.NodeMemoryResources{MemoryMB: 16384}, Disk: api.NodeDiskResources{DiskMB: 1000},
			Devices: []*api.NodeDeviceResource{{Vendor: "nvidia", Type: "gpu", Name: "A100", Instances: []*api.NodeDevice{{Healthy: true}, {Healthy: true}, {}},
				Attributes: map[string]*api.Attribute{"memory": {IntVal: new(int64(40)), Unit: "GiB"}}}}},
		ReservedResources: &api.NodeReservedResources{Cpu: api.NodeReservedCpuResources{CpuShares: 200}, Memory: api.NodeReservedMemoryResources{MemoryMB: 256}},
	}
	want := service.Node{ID: "n", Name: "big", Class: "gpu", Pool: "default", Datacenter: "dc1", CPU: 7800, Memory: 16128, Disk: 1000,
		Drivers: map[string]bool{"docker": true}, Devices: []service.Device{{Name: "nvidia/gpu", Model: "A100", Memory: 40960, Count: 2}}, Ready: true}
	if diff := cmp.Diff(want, node(in)); diff != "" {
		t.Error(diff)
	}
	in.SchedulingEligibility = "ineligible"
	if node(in).Ready {
		t.Error("a node that takes nothing is ready")
	}
	for unit, want := range map[string]int{"MiB": 1000, "GB": 953674, "B": 0, "parsec": 0} {
		if got := mebibytes(&api.Attribute{IntVal: new(int64(1000)), Unit: unit}); got != want {
			t.Errorf("1000 %s = %d MiB, want %d", unit, got, want)
		}
	}
}

func TestFaultsAndWarnings(t *testing.T) {
	body := "1 error occurred:\n\t* Task group app validation failed: 2 errors occurred:\n\t* Scaling policy invalid\n\n\t* minimum CPU value is 1; got 0\n\n"
	if got, want := faults(body), "Scaling policy invalid; minimum CPU value is 1; got 0"; got != want {
		t.Errorf("faults = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"one", "two"}, warnings("2 warnings:\n\n* one\n* two\n")); diff != "" {
		t.Error(diff)
	}
	if got := warnings(""); got != nil {
		t.Errorf("warnings of nothing = %q", got)
	}
}
