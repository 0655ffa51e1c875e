package jobspec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// need is what one instance of a version asks of a node under one driver.
type need struct {
	version    service.Version
	rules      Rules
	driver     string
	strict     bool            // classes with devices are kept for those who ask for them
	gpuClasses map[string]bool // names of classes with devices
}

func gpuClasses(classes []service.Class) map[string]bool {
	names := map[string]bool{}
	for _, c := range classes {
		if len(c.Devices) > 0 {
			names[c.Name] = true
		}
	}
	return names
}

func (n need) cpu() int    { return n.version.Resources.CPU + n.rules.SidecarCPU }
func (n need) memory() int { return n.version.Resources.Memory + n.rules.SidecarMemory }

func (n need) fitting(classes []service.Class) []service.Class {
	var fits []service.Class
	for _, c := range classes {
		if len(n.lacks(c)) == 0 {
			fits = append(fits, c)
		}
	}
	return fits
}

// lacks says everything that keeps the class from holding an instance.
func (n need) lacks(c service.Class) []string {
	var lacks []string
	lack := func(format string, args ...any) { lacks = append(lacks, fmt.Sprintf(format, args...)) }
	amount := func(name, unit string, asked, have int) {
		if asked > have {
			lack("%s %d %s asked, %d %s at most", name, asked, unit, have, unit)
		}
	}
	amount("cpu", "MHz", n.cpu(), c.CPU)
	amount("memory", "MiB", n.memory(), c.Memory)
	amount("disk", "MiB", n.version.Resources.Disk, c.Disk)
	for _, g := range n.version.Resources.GPUs {
		if have := matching(c, g); have < g.Count {
			lack("%s", lackingDevice(c, g, have))
		}
	}
	if !c.Drivers[n.driver] {
		lack("driver %s: not on its nodes", n.driver)
	}
	if d := n.rules.SidecarDriver; d != "" && d != n.driver && !c.Drivers[d] {
		lack("driver %s: not on its nodes, and the sidecar needs it", d)
	}
	if n.rules.Pool != "" && n.rules.Pool != poolAll && n.rules.Pool != c.Pool {
		lack("node pool %s: the operator's jobs go to %s", c.Pool, n.rules.Pool)
	}
	if !n.inDatacenters(c) {
		lack("datacenters %s: the operator's jobs go to %s", strings.Join(c.Datacenters, ", "), strings.Join(n.rules.Datacenters, ", "))
	}
	if g := n.version.Given; g != nil && len(g.Classes) > 0 && !slices.Contains(g.Classes, c.Name) {
		lack("its module is held to the node classes %s", strings.Join(g.Classes, ", "))
	}
	if n.strict && len(n.version.Resources.GPUs) == 0 && n.gpuClasses[c.Name] {
		lack("kept for services that ask for its devices")
	}
	return lacks
}

func (n need) inDatacenters(c service.Class) bool {
	want := n.rules.Datacenters
	if len(want) == 0 || slices.Contains(want, "*") || len(c.Datacenters) == 0 {
		return true
	}
	return slices.ContainsFunc(want, func(dc string) bool { return slices.Contains(c.Datacenters, dc) })
}

// matching counts the devices of one node that meet the demand. Nomad compares
// the same way: it takes a name's vendor and model as optional, and the devices
// of several groups together.
func matching(c service.Class, g service.GPU) int {
	n := 0
	for _, d := range c.Devices {
		if sameDevice(d, g.Name) && d.Memory >= g.MinMemory && strings.Contains(strings.ToLower(d.Model), strings.ToLower(g.Model)) {
			n += d.Count
		}
	}
	return n
}

// sameDevice compares as Nomad does: a demand is type, vendor/type or
// vendor/type/model.
func sameDevice(d service.Device, name string) bool {
	_, kind, _ := strings.Cut(d.Name, "/")
	return name == d.Name || name == kind || name == d.Name+"/"+d.Model
}

func lackingDevice(c service.Class, g service.GPU, have int) string {
	asked := fmt.Sprintf("%s: %d asked", g.Name, g.Count)
	if g.Model != "" {
		asked += fmt.Sprintf(" of model %s", g.Model)
	}
	if g.MinMemory > 0 {
		asked += fmt.Sprintf(" with %d MiB", g.MinMemory)
	}
	var there []string
	for _, d := range c.Devices {
		if sameDevice(d, g.Name) {
			there = append(there, fmt.Sprintf("%d × %s with %d MiB", d.Count, d.Model, d.Memory))
		}
	}
	if len(there) == 0 {
		return asked + ", none on a node"
	}
	return fmt.Sprintf("%s, %d on a node (%s)", asked, have, strings.Join(there, ", "))
}

// share is how much of a node an instance takes, as the mean over CPU, memory
// and, where the node has any, devices.
func (n need) share(c service.Class) float64 {
	sum, of := 0.0, 0
	add := func(asked, have int) {
		if have > 0 {
			sum += float64(asked) / float64(have)
			of++
		}
	}
	add(n.cpu(), c.CPU)
	add(n.memory(), c.Memory)
	asked, have := 0, 0
	for _, g := range n.version.Resources.GPUs {
		asked += g.Count
	}
	for _, d := range c.Devices {
		have += d.Count
	}
	add(asked, have)
	if of == 0 {
		return 0
	}
	return sum / float64(of)
}

// refusal lists every class with what it lacks. Of a class with nodes of
// several sizes it shows the size that lacks least.
func (n need) refusal(classes []service.Class, drivers []string) error {
	least := map[string][]string{}
	var names []string
	for _, c := range classes {
		if i := slices.IndexFunc(drivers, func(d string) bool { return c.Drivers[d] }); i >= 0 {
			n.driver = drivers[i]
		} else {
			n.driver = strings.Join(drivers, " or ")
		}
		lacks := n.lacks(c)
		name := c.Name
		if name == "" {
			name = "(none)"
		}
		if before, ok := least[name]; !ok {
			names = append(names, name)
			least[name] = lacks
		} else if len(lacks) < len(before) {
			least[name] = lacks
		}
	}
	v := n.version
	text := fmt.Sprintf("no node class can hold an instance of %s %s", v.Module, v.Version)
	if n.rules.SidecarCPU > 0 || n.rules.SidecarMemory > 0 {
		text += fmt.Sprintf(" (%d MHz and %d MiB for its sidecar are counted in)", n.rules.SidecarCPU, n.rules.SidecarMemory)
	}
	text += ":"
	for _, name := range names {
		text += "\n  " + name + ": " + strings.Join(least[name], "; ")
	}
	return service.Errorf(service.ErrInvalid, "%s", text)
}
