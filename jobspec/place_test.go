package jobspec_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/service"
)

var drivers = map[string]bool{"docker": true, "exec": true, "raw_exec": true}

func class(name string, cpu, memory int, devices ...service.Device) service.Class {
	return service.Class{Name: name, Pool: "default", Datacenters: []string{"dc1"}, CPU: cpu, Memory: memory, Disk: 20000, Drivers: drivers, Devices: devices, Nodes: 1}
}

func in(pool string, c service.Class) service.Class {
	c.Pool = pool
	return c
}

func a100(count int) service.Device {
	return service.Device{Name: "nvidia/gpu", Model: "A100", Memory: 40960, Count: count}
}

func version(cpu, memory int, gpus ...service.GPU) service.Version {
	return service.Version{
		ID: "dyn-x-00000000", Module: "X", Version: "1.0.0", Run: service.Run{Image: "x:1"},
		Resources: service.Resources{CPU: cpu, Memory: memory, Disk: 300, GPUs: gpus}, Scale: service.Scale{Max: 1},
	}
}

func TestPlace(t *testing.T) {
	three := []service.Class{class("general", 4000, 4096), class("highmem", 4000, 65536), class("gpu", 8000, 32768, a100(2))}
	docker := jobspec.Rules{Drivers: []string{"docker", "exec"}}
	command := version(100, 64)
	command.Run = service.Run{Command: "bin/x"}
	gpu := func(count, memory int, model string) service.GPU {
		return service.GPU{Name: "nvidia/gpu", Count: count, MinMemory: memory, Model: model}
	}
	tests := []struct {
		name    string
		version service.Version
		classes []service.Class
		rules   jobspec.Rules
		want    jobspec.Placement // Datacenters and Notices aside
	}{
		{"all that fit, tightest first, no GPU class", version(500, 512), three, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"general", "highmem"}, Tightest: "general", Pool: "default"}},
		{"only the large one", version(500, 8192), three, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"highmem"}, Tightest: "highmem", Pool: "default"}},
		{"a GPU", version(500, 512, gpu(1, 24576, "a100")), three, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"gpu"}, Tightest: "gpu", Pool: "default"}},
		{"a GPU by type alone", version(500, 512, service.GPU{Name: "gpu", Count: 2}), three, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"gpu"}, Tightest: "gpu", Pool: "default"}},
		{"a GPU node for want of another, allowed", version(8000, 512), three, jobspec.Rules{Drivers: []string{"docker"}, AllowGPUFallback: true},
			jobspec.Placement{Driver: "docker", Classes: []string{"gpu"}, Tightest: "gpu", Pool: "default"}},
		{"the allowance is no preference", version(500, 512), three, jobspec.Rules{Drivers: []string{"docker"}, AllowGPUFallback: true},
			jobspec.Placement{Driver: "docker", Classes: []string{"general", "highmem"}, Tightest: "general", Pool: "default"}},
		{"nodes without a class", version(500, 512), []service.Class{class("", 4000, 4096)}, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{""}, Tightest: "", Pool: "default"}},
		{"a command under exec", command, three, jobspec.Rules{Drivers: []string{"docker", "exec", "raw_exec"}},
			jobspec.Placement{Driver: "exec", Classes: []string{"general", "highmem"}, Tightest: "general", Pool: "default"}},
		{"the operator prefers raw_exec", command, three, jobspec.Rules{Drivers: []string{"raw_exec", "exec"}},
			jobspec.Placement{Driver: "raw_exec", Classes: []string{"general", "highmem"}, Tightest: "general", Pool: "default"}},
		{"exec is nowhere healthy", command, []service.Class{{Name: "a", Pool: "default", CPU: 1000, Memory: 1000, Disk: 1000, Drivers: map[string]bool{"raw_exec": true}}},
			jobspec.Rules{Drivers: []string{"exec", "raw_exec"}},
			jobspec.Placement{Driver: "raw_exec", Classes: []string{"a"}, Tightest: "a", Pool: "default"}},
		{"two pools", version(500, 512), []service.Class{class("general", 4000, 4096), in("big", class("highmem", 4000, 65536))}, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"general", "highmem"}, Tightest: "general", Pool: "all"}},
		{"two pools, and a namesake to keep out", version(500, 512),
			[]service.Class{class("general", 4000, 4096), in("big", class("highmem", 4000, 65536)), in("big", class("general", 100, 100))}, docker,
			jobspec.Placement{Driver: "docker", Classes: []string{"general"}, Tightest: "general", Pool: "default"}},
		{"the operator's pool", version(500, 512), []service.Class{class("general", 4000, 4096), in("big", class("highmem", 4000, 65536))},
			jobspec.Rules{Drivers: []string{"docker"}, Pool: "big"},
			jobspec.Placement{Driver: "docker", Classes: []string{"highmem"}, Tightest: "highmem", Pool: "big"}},
		{"the sidecar needs room too", version(500, 4000), three, jobspec.Rules{Drivers: []string{"docker"}, SidecarCPU: 100, SidecarMemory: 128},
			jobspec.Placement{Driver: "docker", Classes: []string{"highmem"}, Tightest: "highmem", Pool: "default"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := jobspec.Place(tt.version, tt.classes, tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			got.Datacenters, got.Notices = nil, nil
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

func TestPlaceRefuses(t *testing.T) {
	three := []service.Class{class("general", 4000, 4096), class("gpu", 8000, 32768, a100(2)), class("", 2000, 1024)}
	rules := jobspec.Rules{Drivers: []string{"docker"}}
	tests := []struct {
		name    string
		version service.Version
		classes []service.Class
		rules   jobspec.Rules
		kind    error
		want    string
	}{
		{"every class and every dimension", version(5000, 409600), three, rules, service.ErrInvalid, `no node class can hold an instance of X 1.0.0:
  general: cpu 5000 MHz asked, 4000 MHz at most; memory 409600 MiB asked, 4096 MiB at most
  gpu: memory 409600 MiB asked, 32768 MiB at most; kept for services that ask for its devices
  (none): cpu 5000 MHz asked, 2000 MHz at most; memory 409600 MiB asked, 1024 MiB at most`},
		{"only a GPU class is large enough", version(500, 8192), three, rules, service.ErrInvalid, "\n  gpu: kept for services that ask for its devices"},
		{"too many GPUs on one node", version(500, 512, service.GPU{Name: "nvidia/gpu", Count: 3}), three, rules, service.ErrInvalid,
			"general: nvidia/gpu: 3 asked, none on a node\n  gpu: nvidia/gpu: 3 asked, 2 on a node (2 × A100 with 40960 MiB)\n"},
		{"another model", version(500, 512, service.GPU{Name: "nvidia/gpu", Count: 1, Model: "H100", MinMemory: 81920}), three, rules, service.ErrInvalid,
			"gpu: nvidia/gpu: 1 asked of model H100 with 81920 MiB, 0 on a node (2 × A100 with 40960 MiB)"},
		{"driver", version(500, 512), []service.Class{{Name: "win", Pool: "default", CPU: 9000, Memory: 9000, Disk: 9000}}, rules, service.ErrInvalid,
			"win: driver docker: not on its nodes"},
		{"driver not allowed", version(500, 512), three, jobspec.Rules{Drivers: []string{"exec"}}, service.ErrInvalid, "an image runs under docker, and the operator allows exec only"},
		{"pool and datacenter", version(500, 512), three[:1], jobspec.Rules{Drivers: []string{"docker"}, Pool: "big", Datacenters: []string{"dc2"}}, service.ErrInvalid,
			"general: node pool default: the operator's jobs go to big; datacenters dc1: the operator's jobs go to dc2"},
		{"the sidecar is counted", version(4000, 512), three[:1], jobspec.Rules{Drivers: []string{"docker"}, SidecarCPU: 100, SidecarMemory: 128, SidecarDriver: "podman"}, service.ErrInvalid,
			"(100 MHz and 128 MiB for its sidecar are counted in):\n  general: cpu 4100 MHz asked, 4000 MHz at most; driver podman: not on its nodes, and the sidecar needs it"},
		{"no nodes", version(1, 1), nil, rules, service.ErrUnavailable, "no nodes are known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := jobspec.Place(tt.version, tt.classes, tt.rules)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %v with %s", err, tt.kind, tt.want)
			}
		})
	}
}

func TestPlaceNotices(t *testing.T) {
	v := version(500, 512, service.GPU{Name: "nvidia/gpu", Count: 2})
	v.Scale.Max, v.Resources.MemoryMax, v.Run.StopGrace.Duration = 5, 99999, time.Minute
	c := class("gpu", 8000, 32768, a100(4))
	c.Nodes = 2
	p, err := jobspec.Place(v, []service.Class{c}, jobspec.Rules{Drivers: []string{"docker"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"scale.max is 5, and the ready nodes have the nvidia/gpu devices for 4",
		"resources.memory_max is 99999 MiB, and no node that fits has more than 32768 MiB",
		"run.stop_grace is 1m0s, and Nomad waits no longer than the nodes' max_kill_timeout, which is 30s unless raised",
	}
	if diff := cmp.Diff(p.Notices, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func TestClasses(t *testing.T) {
	node := func(id, class string, cpu, memory int, ready bool, devices ...service.Device) service.Node {
		return service.Node{ID: id, Class: class, Pool: "default", Datacenter: "dc1", CPU: cpu, Memory: memory, Disk: 100,
			Drivers: map[string]bool{"docker": true, "exec": false}, Devices: devices, Ready: ready}
	}
	want := func(name string, cpu, memory, nodes int, devices ...service.Device) service.Class {
		return service.Class{Name: name, Pool: "default", Datacenters: []string{"dc1"}, CPU: cpu, Memory: memory, Disk: 100,
			Drivers: map[string]bool{"docker": true}, Devices: devices, Nodes: nodes}
	}
	tests := []struct {
		name  string
		nodes []service.Node
		named []service.Class
		want  []service.Class
	}{
		{"none", nil, nil, nil},
		{"smaller and absent nodes are of the same class", []service.Node{node("a", "g", 10, 10, true), node("b", "g", 20, 20, true), node("c", "g", 20, 20, false)}, nil,
			[]service.Class{want("g", 20, 20, 2)}},
		{"neither node is the larger", []service.Node{node("a", "g", 10, 20, true), node("b", "g", 20, 10, true)}, nil,
			[]service.Class{want("g", 10, 20, 1), want("g", 20, 10, 1)}},
		{"a node without devices is not one with", []service.Node{node("a", "g", 20, 20, true, a100(2)), node("b", "g", 10, 10, true)}, nil,
			[]service.Class{want("g", 20, 20, 1, a100(2)), want("g", 10, 10, 1)}},
		{"no class", []service.Node{node("a", "", 10, 10, true), node("b", "g", 10, 10, true)}, nil,
			[]service.Class{want("", 10, 10, 1), want("g", 10, 10, 1)}},
		{"named, with live nodes", []service.Node{node("a", "g", 10, 10, true), node("b", "g", 5, 20, true)}, []service.Class{{Name: "g", Memory: 64}},
			[]service.Class{want("g", 5, 64, 2)}},
		{"named, none yet", nil, []service.Class{{Name: "big", CPU: 1, Memory: 2, Disk: 3}},
			[]service.Class{{Name: "big", Pool: "default", CPU: 1, Memory: 2, Disk: 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(jobspec.Classes(tt.nodes, tt.named), tt.want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}
