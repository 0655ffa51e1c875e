package jobspec

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// The task drivers that there are templates for.
const (
	Docker  = "docker"
	Exec    = "exec"
	RawExec = "raw_exec"
)

// Drivers are all of them.
var Drivers = []string{Docker, Exec, RawExec}

// The proxies that can stand before an instance in the mesh.
const (
	SidecarEnvoy  = "envoy"  // the one that Nomad starts by itself
	SidecarConsul = "consul" // the one built into the consul program
)

// Settings are the operator's, the same for all jobs.
type Settings struct {
	Namespace   string   // empty: default
	Region      string   // empty: the region of the server that is asked
	Datacenters []string // empty: all
	NodePool    string   // empty: the pools of the classes that fit

	Drivers          []string // allowed ones, the preferred first; empty: docker, exec
	AllowGPUFallback bool     // see [Rules]

	Mesh          bool   // Consul Connect
	Sidecar       string // empty: envoy
	SidecarCPU    int    // MHz; 0: 100
	SidecarMemory int    // MiB; 0: 128
	ConsulAddr    string // of the node's agent as seen from inside an allocation; for the sidecar consul
	ConsulPath    string // of the consul program on the nodes; empty: consul, by PATH
	ConsulACL     bool   // Consul wants a token: the sidecar presents the one that Nomad gives it

	// BundleURL is where the nodes download uploaded archives: the archive with
	// the checksum sha256:ab… is BundleURL/ab….tar.gz.
	BundleURL string
}

// fill puts the defaults into what is empty and reports every fault.
func (s *Settings) fill() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	s.Namespace = cmp.Or(s.Namespace, "default")
	if len(s.Datacenters) == 0 {
		s.Datacenters = []string{"*"}
	}
	if len(s.Drivers) == 0 {
		s.Drivers = []string{Docker, Exec}
	}
	for _, d := range s.Drivers {
		if !slices.Contains(Drivers, d) {
			fault("driver %q: there are templates for %s", d, strings.Join(Drivers, ", "))
		}
	}
	s.Sidecar = cmp.Or(s.Sidecar, SidecarEnvoy)
	s.SidecarCPU = cmp.Or(s.SidecarCPU, 100)
	s.SidecarMemory = cmp.Or(s.SidecarMemory, 128)
	s.ConsulPath = cmp.Or(s.ConsulPath, "consul")
	switch {
	case s.Sidecar != SidecarEnvoy && s.Sidecar != SidecarConsul:
		fault("sidecar %q: it is %s or %s", s.Sidecar, SidecarEnvoy, SidecarConsul)
	case s.Mesh && s.Sidecar == SidecarConsul && s.ConsulAddr == "":
		fault("the sidecar %s needs the address of the node's Consul agent as seen from inside an allocation, e.g. 172.26.64.1:8500", SidecarConsul)
	}
	if s.BundleURL != "" {
		u, err := url.Parse(s.BundleURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			fault("bundle address %q: it is an http or https URL", s.BundleURL)
		}
		s.BundleURL = strings.TrimSuffix(s.BundleURL, "/")
	}
	if len(faults) > 0 {
		return service.Errorf(service.ErrInvalid, "job settings: %s", strings.Join(faults, "; "))
	}
	return nil
}

// Rules returns what the settings mean for placement.
func (s Settings) Rules() (Rules, error) {
	if err := s.fill(); err != nil {
		return Rules{}, err
	}
	r := Rules{
		Drivers:          s.Drivers,
		AllowGPUFallback: s.AllowGPUFallback,
		Datacenters:      s.Datacenters,
		Pool:             s.NodePool,
	}
	if s.Mesh {
		r.SidecarCPU, r.SidecarMemory = s.SidecarCPU, s.SidecarMemory
		r.SidecarDriver = Docker
		if s.Sidecar == SidecarConsul {
			r.SidecarDriver = RawExec
		}
	}
	return r, nil
}
