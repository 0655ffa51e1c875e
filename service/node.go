package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Node is a machine that can hold instances. Amounts are what instances can
// have: the total less what is reserved for the system.
type Node struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Class      string          `json:"class"`
	Pool       string          `json:"pool"`
	Datacenter string          `json:"datacenter"`
	CPU        int             `json:"cpu"`     // MHz
	Memory     int             `json:"memory"`  // MiB
	Disk       int             `json:"disk"`    // MiB
	Drivers    map[string]bool `json:"drivers"` // healthy drivers by name
	Devices    []Device        `json:"devices,omitempty"`
	Ready      bool            `json:"ready"` // up and eligible for new instances
}

// Working are the names of the drivers that are healthy.
func (n *Node) Working() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(n.Drivers)), func(name string) bool { return !n.Drivers[name] })
}

// Device is a group of equal devices on a node.
type Device struct {
	Name   string `json:"name"` // vendor/type, e.g. "nvidia/gpu"
	Model  string `json:"model"`
	Memory int    `json:"memory,omitempty"` // MiB each
	Count  int    `json:"count"`
}

// String is e.g. "2 nvidia/gpu A100".
func (d Device) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", d.Count, d.Name, d.Model))
}

// Class is a kind of node, named by the operator or read from the live nodes.
// Amounts are those of its largest node.
type Class struct {
	Name        string          `json:"name"`
	Pool        string          `json:"pool"`
	Datacenters []string        `json:"datacenters"`
	CPU         int             `json:"cpu"`    // MHz
	Memory      int             `json:"memory"` // MiB
	Disk        int             `json:"disk"`   // MiB
	Drivers     map[string]bool `json:"drivers"`
	Devices     []Device        `json:"devices,omitempty"`
	Nodes       int             `json:"nodes"` // live nodes of this class; 0 in a class that only the config names
}
