package jobspec

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dynsvc/dynsvc/service"
)

// Classes says what kinds of nodes there are. A class whose nodes differ has
// several entries, one for each size that no other node of it exceeds, so that
// no entry promises what no single node has. Nodes that are away for a moment
// count as what they are when they are back; [service.Class.Nodes] counts the
// ready ones. Nodes without a class form the class "".
//
// Where the operator names a class, his word replaces what the nodes say, so
// that a class may be empty now (an autoscaler makes its nodes) and jobs do not
// change as nodes come and go. What he leaves out (pool, datacenters, drivers,
// devices, amounts) is taken from the nodes.
func Classes(nodes []service.Node, named []service.Class) []service.Class {
	var classes []service.Class
	for _, n := range slices.SortedFunc(slices.Values(nodes), largestFirst) {
		classes = addNode(classes, n)
	}
	for _, n := range named {
		classes = rename(classes, n)
	}
	slices.SortStableFunc(classes, func(a, b service.Class) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pool, b.Pool))
	})
	return classes
}

func largestFirst(a, b service.Node) int {
	return cmp.Or(cmp.Compare(b.Memory, a.Memory), cmp.Compare(b.CPU, a.CPU), cmp.Compare(b.Disk, a.Disk), cmp.Compare(a.ID, b.ID))
}

// addNode counts the node into an entry that covers it, or makes one for it.
func addNode(classes []service.Class, n service.Node) []service.Class {
	ready := 0
	if n.Ready {
		ready = 1
	}
	for i := range classes {
		c := &classes[i]
		if c.Name != n.Class || c.Pool != n.Pool || !covers(*c, n) {
			continue
		}
		c.Nodes += ready
		if !slices.Contains(c.Datacenters, n.Datacenter) {
			c.Datacenters = append(c.Datacenters, n.Datacenter)
			slices.Sort(c.Datacenters)
		}
		return classes
	}
	return append(classes, service.Class{
		Name: n.Class, Pool: n.Pool, Datacenters: []string{n.Datacenter},
		CPU: n.CPU, Memory: n.Memory, Disk: n.Disk,
		Drivers: healthy(n.Drivers), Devices: slices.Clone(n.Devices), Nodes: ready,
	})
}

func covers(c service.Class, n service.Node) bool {
	if c.CPU < n.CPU || c.Memory < n.Memory || c.Disk < n.Disk {
		return false
	}
	for driver, ok := range n.Drivers {
		if ok && !c.Drivers[driver] {
			return false
		}
	}
	for _, d := range n.Devices {
		if !slices.ContainsFunc(c.Devices, func(have service.Device) bool {
			return have.Name == d.Name && have.Model == d.Model && have.Memory >= d.Memory && have.Count >= d.Count
		}) {
			return false
		}
	}
	// A node without devices is not covered by one with: services that need no
	// device are kept off the latter.
	return len(n.Devices) > 0 == (len(c.Devices) > 0)
}

func healthy(drivers map[string]bool) map[string]bool {
	ok := maps.Clone(drivers)
	maps.DeleteFunc(ok, func(_ string, healthy bool) bool { return !healthy })
	return ok
}

// rename puts the operator's word in the place of the entries of that class.
func rename(classes []service.Class, n service.Class) []service.Class {
	n.Nodes = 0
	same := func(c service.Class) bool { return c.Name == n.Name && (n.Pool == "" || c.Pool == n.Pool) }
	for _, c := range classes {
		if !same(c) {
			continue
		}
		n.Nodes += c.Nodes
		n.Pool = cmp.Or(n.Pool, c.Pool)
		n.CPU, n.Memory, n.Disk = cmp.Or(n.CPU, c.CPU), cmp.Or(n.Memory, c.Memory), cmp.Or(n.Disk, c.Disk)
		if n.Drivers == nil {
			n.Drivers = c.Drivers
		}
		if n.Devices == nil {
			n.Devices = c.Devices
		}
		if n.Datacenters == nil {
			n.Datacenters = c.Datacenters
		}
	}
	n.Pool = cmp.Or(n.Pool, "default")
	return append(slices.DeleteFunc(classes, same), n)
}
