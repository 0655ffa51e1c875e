package service

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

// Device is a group of equal devices on a node.
type Device struct {
	Name   string `json:"name"` // vendor/type, e.g. "nvidia/gpu"
	Model  string `json:"model"`
	Memory int    `json:"memory,omitempty"` // MiB each
	Count  int    `json:"count"`
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
