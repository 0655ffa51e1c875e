package jobspec

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// adminUser is the one user that a module may not be.
var adminUser = regexp.MustCompile(`^(root|0+)(:.*)?$`)

func (r *Renderer) verifyTask(t object, v service.Version, p Placement) {
	t.want("Name", "app")
	t.want("Driver", p.Driver)
	r.verifyConfig(t.object("Config"), v, p)
	r.verifyArtifacts(t, v)
	r.verifyEnv(t.object("Env"), v)
	verifyTemplates(t, v)
	verifyMounts(t, v)
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
		if v.Given != nil && v.Given.KBase {
			c.want("volumes", []string{propertiesMount})
		}
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
	for name, value := range environment(v) {
		env.want(name, value)
	}
	env.want("DYNSVC_MODULE", v.Module)
	env.want("DYNSVC_VERSION", v.Version)
	env.want("DYNSVC_SERVICE", v.ID)
	if port, ok := env.take("PORT").(string); !ok || port != strconv.Itoa(v.Run.Port) && port != "${NOMAD_PORT_http}" {
		env.fault("PORT is %q", port)
	}
}

// verifyTemplates allows the one template that puts the module's secrets into its
// environment, and only where the manifest names any, and those of a KBase module.
func verifyTemplates(t object, v service.Version) {
	n := min(len(v.Run.Secrets), 1)
	more := 0
	if v.Given != nil && v.Given.KBase {
		more = 2
	}
	templates := t.list("Templates", n+more)
	if len(templates) == n+more {
		verifySecrets(templates[:n], v)
		verifyKBase(templates[n:], v)
	}
}

func verifySecrets(templates []object, v service.Version) {
	for _, tmpl := range templates {
		text, _ := tmpl.take("EmbeddedTmpl").(string)
		path := `nomadVar "dynsvc/modules/` + service.ModuleKey(v.Module) + `"`
		if !strings.Contains(text, path) || strings.Count(text, "nomadVar") != 1 {
			tmpl.fault("its text does not read just %s", path)
		}
		verifyWords(tmpl, text, secretWords)
		for _, name := range v.Run.Secrets {
			if !strings.Contains(text, name+"={{") {
				tmpl.fault("its text does not set %s", name)
			}
		}
		if dest, _ := tmpl.take("DestPath").(string); !strings.HasPrefix(dest, "${NOMAD_SECRETS_DIR}/") && !strings.HasPrefix(dest, "secrets/") || strings.Contains(dest, "..") {
			tmpl.fault("DestPath is %q, and should be in the secrets folder", dest)
		}
		tmpl.want("Envvars", true)
		endTemplate(tmpl)
	}
}

// verifyWords faults what a template's text calls beyond the words.
func verifyWords(tmpl object, text string, words []string) {
	for _, word := range templateWords(text) {
		if !slices.Contains(words, word) {
			tmpl.fault("its text calls %s, which reading secrets does not need", word)
		}
	}
}

// endTemplate accounts for the settings of a template that do no harm.
func endTemplate(tmpl object) {
	tmpl.ignore("ChangeMode", "ChangeSignal", "ErrMissingKey", "Perms", "Splay", "Once", "Wait")
	tmpl.standard("LeftDelim", "{{")
	tmpl.standard("RightDelim", "}}")
	tmpl.end()
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
