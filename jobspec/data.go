package jobspec

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Data is what a template can write. Its fields are literals, structs and
// slices of them, and booleans to choose by; a pointer is nil where there is
// nothing to say. A test holds it to that.
type Data struct {
	ID          Text
	Namespace   Text
	Region      *Text // nil: the region of the server that is asked
	Datacenters List
	NodePool    Text
	Classes     Text  // regular expression over the node class
	Tightest    *Text // regular expression; nil where there is one class only
	Meta        []Var // for the job and its service alike
	Max         Number

	Mesh        bool
	HostNetwork bool // the program listens on a port of the node, chosen by Nomad
	Port        Number
	PortLabel   Text // the port as Nomad wants it where it wants a label
	HealthPath  Text
	Sidecar     *Sidecar // nil: not in the mesh

	Image            Text
	ImagePullTimeout Text
	Command          Text
	Args             *List
	Artifacts        []Artifact
	Module           Text
	Version          Text
	Env              []Var
	HostSet          bool // Env or Secrets say themselves where to listen
	ModuleKey        Word
	Secrets          []Word
	KillTimeout      Text

	CPU       Number
	Memory    Number
	MemoryMax *Number
	Disk      Number
	Devices   []Device

	Mounts    []Mount
	KBase     *KBase // nil: not a module of KBase
	AnyAnswer bool   // the program's health is no more than that it listens
}

// Sidecar is the proxy that lets callers with the right identity in.
type Sidecar struct {
	Envoy       bool // else Consul's built-in proxy
	Consul      Text // path of the consul program on the nodes
	ConsulAddr  Text // as seen from inside an allocation
	TokenFile   bool // Consul wants a token
	Service     Text
	ServiceAddr Text // of the program, inside the allocation
	ServiceVar  Word // the service's name as Nomad writes it into variables
	CPU         Number
	Memory      Number
}

// Artifact is something that Nomad downloads and unpacks before the start.
type Artifact struct {
	Source   Text
	Checksum *Text
}

// Var is a name and its value.
type Var struct {
	Name  Word
	Value Text
}

// Device is a demand for devices of one kind.
type Device struct {
	Name      Text
	Count     Number
	MinMemory *Text // with unit
	Model     *Text // regular expression
}

// The names under which a job and its service say in their meta what they run.
const (
	MetaModule  = "dynsvc_module"
	MetaVersion = "dynsvc_version"
	MetaCommit  = "dynsvc_commit"
	MetaSpec    = "dynsvc_spec" // Job.Digest
)

// defaultPull is Nomad's own patience with an image.
const defaultPull = 5 * time.Minute

// data puts a version that check has passed into literals.
func (r *Renderer) data(v service.Version, p Placement, digest string) (Data, error) {
	key, err := newWord(service.ModuleKey(v.Module))
	if err != nil {
		return Data{}, fmt.Errorf("module: %w", err)
	}
	d := Data{
		ID:               newText(string(v.ID)),
		Namespace:        newText(r.settings.Namespace),
		Region:           optionalText(r.settings.Region),
		Datacenters:      newList(p.Datacenters),
		NodePool:         newText(p.Pool),
		Classes:          newText(classPattern(p.Classes)),
		Max:              newNumber(v.Scale.Max),
		Mesh:             r.settings.Mesh,
		HostNetwork:      r.hostNetwork(p),
		Port:             newNumber(v.Run.Port),
		HostSet:          hostSet(v.Run),
		PortLabel:        newText(strconv.Itoa(v.Run.Port)),
		HealthPath:       newText(v.Run.Health.Path),
		Image:            newText(v.Run.Image),
		ImagePullTimeout: newText(max(defaultPull, v.Run.Health.StartDeadline.Duration).String()),
		Command:          newText(v.Run.Command),
		Module:           newText(v.Module),
		Version:          newText(v.Version),
		ModuleKey:        key,
		KillTimeout:      newText(v.Run.StopGrace.String()),
		CPU:              newNumber(v.Resources.CPU),
		Memory:           newNumber(v.Resources.Memory),
		Disk:             newNumber(v.Resources.Disk),
	}
	if len(p.Classes) > 1 {
		d.Tightest = new(newText(classPattern([]string{p.Tightest})))
	}
	if len(v.Run.Args) > 0 {
		d.Args = new(newList(v.Run.Args))
	}
	if v.Resources.MemoryMax > v.Resources.Memory {
		d.MemoryMax = new(newNumber(v.Resources.MemoryMax))
	}
	for _, a := range r.artifacts(v) {
		d.Artifacts = append(d.Artifacts, Artifact{Source: newText(a.url), Checksum: optionalText(a.checksum)})
	}
	if d.Meta, err = vars(meta(v, digest)); err != nil {
		return Data{}, fmt.Errorf("meta: %w", err)
	}
	if d.Env, err = vars(environment(v)); err != nil {
		return Data{}, fmt.Errorf("run.env: %w", err)
	}
	for _, name := range slices.Sorted(slices.Values(v.Run.Secrets)) {
		w, err := newWord(name)
		if err != nil {
			return Data{}, fmt.Errorf("run.secrets: %w", err)
		}
		d.Secrets = append(d.Secrets, w)
	}
	for _, g := range v.Resources.GPUs {
		d.Devices = append(d.Devices, device(g))
	}
	d.AnyAnswer = anyAnswer(v)
	if err := d.given(v); err != nil {
		return Data{}, err
	}
	if r.settings.Mesh {
		if d.Sidecar, err = r.sidecar(v); err != nil {
			return Data{}, err
		}
	}
	return d, nil
}

func vars(m map[string]string) ([]Var, error) {
	var vars []Var
	for _, name := range slices.Sorted(maps.Keys(m)) {
		w, err := newWord(name)
		if err != nil {
			return nil, err
		}
		vars = append(vars, Var{Name: w, Value: newText(m[name])})
	}
	return vars, nil
}

func hostSet(r service.Run) bool {
	_, set := r.Env["HOST"]
	return set || slices.Contains(r.Secrets, "HOST")
}

func meta(v service.Version, digest string) map[string]string {
	m := map[string]string{MetaModule: v.Module, MetaVersion: v.Version, MetaSpec: digest}
	if v.Commit != "" {
		m[MetaCommit] = v.Commit
	}
	return m
}

func device(g service.GPU) Device {
	d := Device{Name: newText(g.Name), Count: newNumber(g.Count)}
	if g.MinMemory > 0 {
		d.MinMemory = new(newText(strconv.Itoa(g.MinMemory) + " MiB"))
	}
	if g.Model != "" {
		d.Model = new(newText("(?i)" + regexp.QuoteMeta(g.Model)))
	}
	return d
}

func (r *Renderer) sidecar(v service.Version) (*Sidecar, error) {
	name, err := newWord(strings.ReplaceAll(string(v.ID), "-", "_"))
	if err != nil {
		return nil, fmt.Errorf("service id: %w", err)
	}
	return &Sidecar{
		Envoy:       r.settings.Sidecar == SidecarEnvoy,
		Consul:      newText(r.settings.ConsulPath),
		ConsulAddr:  newText(r.settings.ConsulAddr),
		TokenFile:   r.settings.ConsulACL,
		Service:     newText(string(v.ID)),
		ServiceAddr: newText(net.JoinHostPort("127.0.0.1", strconv.Itoa(v.Run.Port))),
		ServiceVar:  name,
		CPU:         newNumber(r.settings.SidecarCPU),
		Memory:      newNumber(r.settings.SidecarMemory),
	}, nil
}

// hostNetwork: outside of the mesh a program on the node itself needs no
// network of its own; a container has one anyway, with its port mapped.
func (r *Renderer) hostNetwork(p Placement) bool {
	return !r.settings.Mesh && p.Driver != Docker
}

// source is one thing to download, as plain text.
type source struct{ url, checksum string }

// classPattern is a regular expression for exactly these node classes; "" is
// the class of a node that has none.
func classPattern(classes []string) string {
	quoted := make([]string, len(classes))
	for i, c := range classes {
		quoted[i] = regexp.QuoteMeta(c)
	}
	slices.Sort(quoted)
	return "^(?:" + strings.Join(quoted, "|") + ")$"
}
