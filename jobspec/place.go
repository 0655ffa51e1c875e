package jobspec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Rules are the operator's for placement.
type Rules struct {
	Drivers          []string // allowed ones, the preferred first
	AllowGPUFallback bool     // a service without GPU may take a GPU node when nothing else fits
	Datacenters      []string // "*": all
	Pool             string   // empty: any

	// What a sidecar takes on the node of every instance; zero: there is none.
	SidecarCPU    int    // MHz
	SidecarMemory int    // MiB
	SidecarDriver string // empty: none
}

// Placement says which nodes may hold a version, and how it is run there.
type Placement struct {
	Driver      string   `json:"driver"`
	Classes     []string `json:"classes"`  // all that fit, sorted; "": nodes without a class
	Tightest    string   `json:"tightest"` // the one that one instance fills most
	Pool        string   `json:"pool"`
	Datacenters []string `json:"datacenters"`
	Notices     []string `json:"notices,omitempty"` // what its owner should know
}

// poolAll is Nomad's name for the pool that every node is in.
const poolAll = "all"

// Place chooses the driver and all classes that can hold the version.
//
// The driver is the first allowed one under which any class fits: docker for an
// image, exec or raw_exec for a command. A class with devices takes a version
// without only if nothing else fits and the operator allows it. The tightest
// class is the one of which an instance takes the largest share, as the mean
// over CPU, memory and devices.
//
// A job names one node pool. Where the classes that fit are in several, it is
// "all", unless a class that does not fit has, in one of these pools, the name
// of one that does: then only the tightest's pool is used.
//
// The error names every class with everything that it lacks.
func Place(v service.Version, classes []service.Class, rules Rules) (Placement, error) {
	if len(classes) == 0 {
		return Placement{}, service.Errorf(service.ErrUnavailable,
			"place %s: no nodes are known: wait until a Nomad client has joined, or name node classes in the configuration", v.ID)
	}
	drivers, err := runnable(v, rules.Drivers)
	if err != nil {
		return Placement{}, err
	}
	n := need{version: v, rules: rules, gpuClasses: gpuClasses(classes)}
	for _, strict := range []bool{true, false} {
		if !strict && !rules.AllowGPUFallback {
			break
		}
		for _, driver := range drivers {
			n.driver, n.strict = driver, strict
			if fits := n.fitting(classes); len(fits) > 0 {
				return n.placement(fits, classes), nil
			}
		}
	}
	n.driver, n.strict = drivers[0], true
	return Placement{}, n.refusal(classes, drivers)
}

// runnable are the allowed drivers that can run what the version is made of.
func runnable(v service.Version, allowed []string) ([]string, error) {
	kind, able := "a command", []string{Exec, RawExec}
	if v.Run.Image != "" {
		kind, able = "an image", []string{Docker}
	}
	var drivers []string
	for _, d := range allowed {
		if slices.Contains(able, d) {
			drivers = append(drivers, d)
		}
	}
	if len(drivers) == 0 {
		return nil, service.Errorf(service.ErrInvalid, "place %s: %s runs under %s, and the operator allows %s only",
			v.ID, kind, strings.Join(able, " or "), strings.Join(allowed, ", "))
	}
	return drivers, nil
}

func (n need) placement(fits, classes []service.Class) Placement {
	slices.SortStableFunc(fits, func(a, b service.Class) int {
		return cmp.Or(cmp.Compare(n.share(b), n.share(a)), cmp.Compare(a.Name, b.Name))
	})
	tightest := fits[0]
	pool := tightest.Pool
	if slices.ContainsFunc(fits, func(c service.Class) bool { return c.Pool != pool }) {
		if n.ambiguous(fits, classes) {
			fits = slices.DeleteFunc(fits, func(c service.Class) bool { return c.Pool != pool })
		} else {
			pool = poolAll
		}
	}
	p := Placement{
		Driver: n.driver, Tightest: tightest.Name, Pool: cmp.Or(n.rules.Pool, pool),
		Datacenters: n.rules.Datacenters, Notices: n.notices(fits),
	}
	for _, c := range fits {
		if !slices.Contains(p.Classes, c.Name) {
			p.Classes = append(p.Classes, c.Name)
		}
	}
	slices.Sort(p.Classes)
	if len(p.Datacenters) == 0 {
		p.Datacenters = []string{"*"}
	}
	return p
}

// ambiguous: the names of the classes that fit would let in one that is to be
// kept out, of the same name in another of their pools.
func (n need) ambiguous(fits, classes []service.Class) bool {
	return slices.ContainsFunc(classes, func(c service.Class) bool {
		named := slices.ContainsFunc(fits, func(f service.Class) bool { return f.Name == c.Name })
		fitting := slices.ContainsFunc(fits, func(f service.Class) bool { return f.Name == c.Name && f.Pool == c.Pool })
		return named && !fitting
	})
}

// graceCap is the longest that a Nomad client waits for a program to stop,
// unless its operator has raised max_kill_timeout.
const graceCap = 30 * time.Second

func (n need) notices(fits []service.Class) []string {
	var notices []string
	notice := func(format string, args ...any) { notices = append(notices, fmt.Sprintf(format, args...)) }
	v := n.version
	for _, g := range v.Resources.GPUs {
		have := 0
		for _, c := range fits {
			have += c.Nodes * (matching(c, g) / g.Count)
		}
		if have < v.Scale.Max {
			notice("scale.max is %d, and the ready nodes have the %s devices for %d", v.Scale.Max, g.Name, have)
		}
	}
	if !n.strict {
		notice("nothing but nodes with devices can hold it, so it takes their room: ask for less, or add nodes")
	}
	most := slices.MaxFunc(fits, func(a, b service.Class) int { return cmp.Compare(a.Memory, b.Memory) })
	if v.Resources.MemoryMax > most.Memory {
		notice("resources.memory_max is %d MiB, and no node that fits has more than %d MiB", v.Resources.MemoryMax, most.Memory)
	}
	if v.Run.StopGrace.Duration > graceCap {
		notice("run.stop_grace is %s, and Nomad waits no longer than the nodes' max_kill_timeout, which is %s unless raised", v.Run.StopGrace, graceCap)
	}
	return notices
}
