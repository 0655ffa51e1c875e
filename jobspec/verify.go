package jobspec

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Verify checks what Nomad read out of a rendered job, as the JSON that its
// parser answers with, defaults filled in or not: that it is one group "app" with one task "app", of the
// manifest's image or artifact and command, with the resources, secrets and
// environment of the manifest, on the placement's nodes, counted from zero, and
// has nothing that would give it more of a node than that: no privileges, host
// volumes, foreign networks, further tasks, templates or downloads.
//
// An operator's template may change what is harmless: times, tags, checks,
// constraints, logs, and the driver settings in harmlessSettings. Every other
// field that is set is a fault; so is one that a later Nomad invents.
func (r *Renderer) Verify(v service.Version, p Placement, parsed []byte) error {
	var faults []string
	job, err := newObject("job", parsed, &faults)
	if err != nil {
		return service.Errorf(service.ErrInvalid, "verify %s: %w", v.ID, err)
	}
	r.verifyJob(job, v, p)
	if len(faults) > 0 {
		return service.Errorf(service.ErrInvalid, "verify %s: the job is not what its manifest and the rules allow:\n  %s", v.ID, strings.Join(faults, "\n  "))
	}
	return nil
}

func (r *Renderer) verifyJob(job object, v service.Version, p Placement) {
	job.want("ID", v.ID)
	job.want("Name", v.ID)
	job.want("Type", "service")
	job.want("Namespace", r.settings.Namespace)
	job.standard("Region", cmp.Or(r.settings.Region, "global"))
	job.want("NodePool", p.Pool)
	job.want("Datacenters", p.Datacenters)
	verifyMeta(job, v)
	// Who may run where is said by ours; more may be asked, not less.
	placed := false
	for _, c := range job.items("Constraints") {
		placed = placed || same(c.fields, map[string]any{"LTarget": "${node.class}", "RTarget": classPattern(p.Classes), "Operand": "regexp"})
	}
	if !placed {
		job.fault("Constraints do not hold it to the node classes %s", strings.Join(p.Classes, ", "))
	}
	job.ignore("Affinities", "Spreads", "Priority", "UI", "Migrate", "Reschedule")
	update := job.object("Update")
	update.want("MaxParallel", 0)
	for _, g := range job.list("TaskGroups", 1) {
		r.verifyGroup(g, v, p)
	}
	job.end()
}

// verifyMeta asks for our own entries; an operator may add to them.
func verifyMeta(o object, v service.Version) {
	meta := o.object("Meta")
	meta.want(MetaModule, v.Module)
	meta.want(MetaVersion, v.Version)
	if v.Commit != "" {
		meta.want(MetaCommit, v.Commit)
	}
	if digest, _ := meta.take(MetaSpec).(string); !bundleSum.MatchString(digest) {
		meta.fault("%s is no digest", MetaSpec)
	}
}

func (r *Renderer) verifyGroup(g object, v service.Version, p Placement) {
	g.want("Name", "app")
	g.want("Count", 0)
	scaling := g.object("Scaling")
	scaling.want("Min", 0)
	scaling.want("Max", v.Scale.Max)
	g.object("EphemeralDisk").want("SizeMB", v.Resources.Disk)
	g.ignore("RestartPolicy", "ReschedulePolicy", "ShutdownDelay", "Constraints", "Affinities", "Spreads", "Disconnect", "Meta", "Migrate")
	g.object("Update").standard("MaxParallel", 0)
	verifyVolumes(g, v)
	for _, n := range g.list("Networks", 1) {
		r.verifyNetwork(n, v, p)
	}
	for _, s := range g.list("Services", 1) {
		r.verifyService(s, v)
	}
	for _, t := range g.list("Tasks", 1) {
		r.verifyTask(t, v, p)
	}
	g.end()
}

func (r *Renderer) verifyNetwork(n object, v service.Version, p Placement) {
	ports, mode := 1, "bridge"
	if r.hostNetwork(p) {
		mode = "host"
	}
	if r.settings.Mesh {
		ports = 0
	}
	n.want("Mode", mode)
	for _, port := range n.list("DynamicPorts", ports) {
		port.want("Label", "http")
		if to := port.take("To"); mode == "bridge" && !same(to, v.Run.Port) {
			port.fault("To is %s, and should be %d", show(to), v.Run.Port)
		}
		port.end()
	}
	n.end()
}

func (r *Renderer) verifyService(s object, v service.Version) {
	s.want("Name", v.ID)
	label := "http"
	if r.settings.Mesh {
		label = strconv.Itoa(v.Run.Port)
	}
	s.want("PortLabel", label)
	s.standard("Provider", "consul")
	s.standard("Cluster", "default")
	verifyMeta(s, v)
	for _, c := range s.items("Checks") {
		if kind := c.take("Type"); same(kind, "script") {
			c.fault("a check must not run a program")
		}
	}
	s.ignore("Tags", "CanaryTags", "AddressMode", "CanaryMeta", "EnableTagOverride", "OnUpdate")
	connect := s.object("Connect")
	if r.settings.Mesh {
		sidecar := connect.object("SidecarService")
		sidecar.ignore("DisableDefaultTCPCheck", "Tags", "Meta")
		sidecar.end()
		r.verifySidecar(connect.object("SidecarTask"), v)
	}
	connect.end()
	s.end()
}

func (r *Renderer) verifySidecar(t object, v service.Version) {
	config := t.object("Config")
	if r.settings.Sidecar == SidecarEnvoy {
		t.want("Driver", "")
		config.end()
	} else {
		name := strings.ReplaceAll(string(v.ID), "-", "_")
		args := []string{
			"connect", "proxy", "-service", string(v.ID),
			"-service-addr", "127.0.0.1:" + strconv.Itoa(v.Run.Port),
			"-listen", "0.0.0.0:${NOMAD_PORT_connect_proxy_" + name + "}",
		}
		if r.settings.ConsulACL {
			args = append(args, "-token-file", "${NOMAD_SECRETS_DIR}/si_token")
		}
		t.want("Driver", RawExec)
		config.want("command", r.settings.ConsulPath)
		config.want("args", args)
		config.end()
		env := t.object("Env")
		env.want("CONSUL_HTTP_ADDR", r.settings.ConsulAddr)
		env.end()
	}
	t.ignore("ShutdownDelay", "KillTimeout", "LogConfig", "Meta")
	resources := t.object("Resources")
	resources.want("CPU", r.settings.SidecarCPU)
	resources.want("MemoryMB", r.settings.SidecarMemory)
	resources.end()
	t.end()
}
