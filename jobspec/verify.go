package jobspec

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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

// adminUser is the one user that a module may not be.
var adminUser = regexp.MustCompile(`^(root|0+)(:.*)?$`)

func (r *Renderer) verifyTask(t object, v service.Version, p Placement) {
	t.want("Name", "app")
	t.want("Driver", p.Driver)
	r.verifyConfig(t.object("Config"), v, p)
	r.verifyArtifacts(t, v)
	r.verifyEnv(t.object("Env"), v)
	verifySecrets(t, v)
	verifyResources(t.object("Resources"), v)
	if user, _ := t.take("User").(string); adminUser.MatchString(user) {
		t.fault("User is %q: a module does not run as the node's administrator", user)
	}
	if grace, _ := t.take("KillTimeout").(float64); time.Duration(grace) != v.Run.StopGrace.Duration {
		t.fault("KillTimeout is %s, and should be %s", time.Duration(grace), v.Run.StopGrace)
	}
	t.ignore("LogConfig", "KillSignal", "Meta", "Constraints", "Affinities", "ShutdownDelay", "Leader", "RestartPolicy")
	t.end()
}

// harmlessSettings of the drivers give a task nothing of its node. What is not
// here (privileged, volumes, mounts, devices, cap_add, network_mode, pid_mode,
// ipc_mode, userns_mode, security_opt, sysctl and whatever comes) is refused.
var harmlessSettings = map[string][]string{
	Docker: {
		"auth", "auth_soft_fail", "cap_drop", "cpu_cfs_period", "cpu_hard_limit", "dns_options", "dns_search_domains",
		"dns_servers", "force_pull", "healthchecks", "hostname", "image_pull_timeout", "init", "labels", "pids_limit",
		"readonly_rootfs", "runtime", "shm_size", "storage_opt", "ulimit",
	},
	Exec:    {"cap_drop"},
	RawExec: {"oom_score_adj", "denied_envvars"},
}

func (r *Renderer) verifyConfig(c object, v service.Version, p Placement) {
	if p.Driver == Docker {
		c.want("image", v.Run.Image)
	} else {
		c.want("command", v.Run.Command)
		if args := c.take("args"); len(v.Run.Args) > 0 && !same(args, v.Run.Args) || len(v.Run.Args) == 0 && !empty(args) {
			c.fault("args are %s, and should be %s", show(args), show(v.Run.Args))
		}
		c.standard("work_dir", "${NOMAD_TASK_DIR}")
	}
	c.ignore(harmlessSettings[p.Driver]...)
	// Empty is not harmless here: the driver's own words have meanings of theirs.
	for name, value := range c.fields {
		if empty(value) {
			c.fields[name] = []any{value}
		}
	}
	c.end()
}

func (r *Renderer) verifyArtifacts(t object, v service.Version) {
	want := r.artifacts(v)
	for i, a := range t.list("Artifacts", len(want)) {
		a.want("GetterSource", want[i].url)
		a.want("RelativeDest", "local/")
		options := a.object("GetterOptions")
		if checksum := options.take("checksum"); !same(checksum, want[i].checksum) && (want[i].checksum != "" || checksum != nil) {
			options.fault("checksum is %s, and should be %q", show(checksum), want[i].checksum)
		}
		// Headers and options are an operator's way to a private archive.
		a.ignore("GetterHeaders")
	}
}

// verifyEnv asks for the manifest's variables as they are; a template may add
// others, but none that the manifest could have meant.
func (r *Renderer) verifyEnv(env object, v service.Version) {
	for name, value := range v.Run.Env {
		env.want(name, value)
	}
	env.want("DYNSVC_MODULE", v.Module)
	env.want("DYNSVC_VERSION", v.Version)
	env.want("DYNSVC_SERVICE", v.ID)
	if port, ok := env.take("PORT").(string); !ok || port != strconv.Itoa(v.Run.Port) && port != "${NOMAD_PORT_http}" {
		env.fault("PORT is %q", port)
	}
}

// verifySecrets allows the one template that puts the module's secrets into its
// environment, and only where the manifest names any.
func verifySecrets(t object, v service.Version) {
	n := min(len(v.Run.Secrets), 1)
	for _, tmpl := range t.list("Templates", n) {
		text, _ := tmpl.take("EmbeddedTmpl").(string)
		path := `nomadVar "dynsvc/modules/` + service.ModuleKey(v.Module) + `"`
		if !strings.Contains(text, path) || strings.Count(text, "nomadVar") != 1 {
			tmpl.fault("its text does not read just %s", path)
		}
		for _, word := range templateWords(text) {
			if !slices.Contains(secretWords, word) {
				tmpl.fault("its text calls %s, which reading secrets does not need", word)
			}
		}
		for _, name := range v.Run.Secrets {
			if !strings.Contains(text, name+"={{") {
				tmpl.fault("its text does not set %s", name)
			}
		}
		if dest, _ := tmpl.take("DestPath").(string); !strings.HasPrefix(dest, "${NOMAD_SECRETS_DIR}/") && !strings.HasPrefix(dest, "secrets/") || strings.Contains(dest, "..") {
			tmpl.fault("DestPath is %q, and should be in the secrets folder", dest)
		}
		tmpl.want("Envvars", true)
		tmpl.ignore("ChangeMode", "ChangeSignal", "ErrMissingKey", "Perms", "Splay", "Once", "Wait")
		tmpl.standard("LeftDelim", "{{")
		tmpl.standard("RightDelim", "}}")
		tmpl.end()
	}
}

// secretWords are what such a template may call.
var secretWords = []string{"with", "nomadVar", "range", "if", "else", "end", "toJSON"}

var templateWord = regexp.MustCompile(`(?:\{\{-?|[|(])\s*([A-Za-z]+)`)

// templateWords are the functions that a text calls.
func templateWords(text string) []string {
	var words []string
	for _, m := range templateWord.FindAllStringSubmatch(text, -1) {
		words = append(words, m[1])
	}
	return words
}

func verifyResources(o object, v service.Version) {
	o.want("CPU", v.Resources.CPU)
	o.want("MemoryMB", v.Resources.Memory)
	if most := o.take("MemoryMaxMB"); v.Resources.MemoryMax > v.Resources.Memory && !same(most, v.Resources.MemoryMax) ||
		v.Resources.MemoryMax <= v.Resources.Memory && !empty(most) {
		o.fault("MemoryMaxMB is %s, and should be %d", show(most), v.Resources.MemoryMax)
	}
	for i, d := range o.list("Devices", len(v.Resources.GPUs)) {
		g := v.Resources.GPUs[i]
		d.want("Name", g.Name)
		d.want("Count", g.Count)
		asked := 0
		if g.MinMemory > 0 {
			asked++
		}
		if g.Model != "" {
			asked++
		}
		if got := len(d.items("Constraints")); got < asked {
			d.fault("%d Constraints, and there should be %d", got, asked)
		}
		d.ignore("Affinities")
		d.end()
	}
	o.ignore("NUMA")
	o.end()
}
