package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dynsvc/dynsvc/service"
)

const serviceConfig = "service-config"

// longCall is how long KBase's proxy waits for an answer, and some modules take.
const longCall = 100 * time.Minute

// kbaseTimeout is that of a method of a KBase module, as far as the operator's
// maxima allow it.
func kbaseTimeout(d Defaults) service.Duration {
	t := max(d.Timeout.Duration, longCall)
	if most := d.Maxima.Total.Duration; most > 0 {
		t = min(t, most)
	}
	return service.Duration{Duration: t}
}

// yes and no are what YAML 1.1, which KBase's own reader speaks, takes for a
// truth value.
var (
	yes = []string{"true", "yes", "on"}
	no  = []string{"false", "no", "off"}
)

// configKeys are ours, beside dynamic-service. Other readers of kbase.yml leave
// them alone.
var configKeys = []string{
	"dynamic-service", "command", "port", "health-path", "start-deadline", "stop-grace", "timeout",
	"cpu", "memory", "memory-max", "disk", "gpu",
	"min", "max", "concurrency", "max-concurrency", "idle-after", "stateful",
}

// serviceConfig reads what a module says of itself as a service.
func (k *kbase) serviceConfig(v *service.Version, d *Defaults) {
	n := k.keys[serviceConfig]
	if n == nil || n.ShortTag() == "!!null" {
		k.fault(k.start[""], "this module is no dynamic service: what runs here has service-config: with dynamic-service: true in it")
		return
	}
	if n.Kind != yaml.MappingNode {
		k.fault(place(n), "%q optional field must be a dict, e.g. service-config: {dynamic-service: true}", serviceConfig)
		return
	}
	k.take(n, serviceConfig+".")
	k.dynamic(n)
	k.runs(v)
	k.number("cpu", "resources.cpu", &v.Resources.CPU)
	k.number("memory", "resources.memory", &v.Resources.Memory)
	k.number("memory-max", "resources.memory_max", &v.Resources.MemoryMax)
	k.number("disk", "resources.disk", &v.Resources.Disk)
	k.gpu(v)
	k.number("concurrency", "scale.concurrency", &v.Scale.Concurrency)
	v.Scale.MaxConcurrency = max(v.Scale.MaxConcurrency, v.Scale.Concurrency)
	k.number("max-concurrency", "scale.max_concurrency", &v.Scale.MaxConcurrency)
	k.duration("idle-after", "scale.idle_after", &v.Scale.IdleAfter)
	k.timeout(d)
	k.counts(v)
}

// timeout reads that of every method; methods come later, from the interface.
func (k *kbase) timeout(d *Defaults) {
	const field = "methods[0].timeout"
	k.duration("timeout", field, &d.Timeout)
	trial := service.Version{Methods: []service.Method{d.method("trial")}}
	for _, f := range service.Faults(errors.Join(trial.Validate(), trial.Exceeds(d.Maxima))) {
		if at, given := k.start[field]; given && f.Field == field && !k.broken[field] {
			k.fault(at, "\"timeout\" %s", f.Text)
			k.broken[field] = true
		}
	}
	if k.broken[field] {
		d.Timeout = kbaseTimeout(Defaults{})
	}
}

// dynamic checks that the module is a service at all.
func (k *kbase) dynamic(config *yaml.Node) {
	value := k.keys[serviceConfig+".dynamic-service"]
	if value == nil {
		k.fault(place(config), "this module is no dynamic service: add dynamic-service: true to service-config")
		return
	}
	is, ok := truth(value)
	switch {
	case !ok:
		k.fault(place(value), `Invalid service-config - "dynamic-service" property must be a boolean "true" or "false", without quotes`)
	case !is:
		k.fault(place(value), "this module is no dynamic service: it runs as jobs, dynamic-service is %s", value.Value)
	}
}

func truth(value *yaml.Node) (is, ok bool) {
	plain := value.Kind == yaml.ScalarNode && value.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	word := strings.ToLower(value.Value)
	is = slices.Contains(yes, word)
	return is, plain && (is || slices.Contains(no, word))
}

// runs reads how the program runs.
func (k *kbase) runs(v *service.Version) {
	k.number("port", "run.port", &v.Run.Port)
	if n := k.config("health-path", "run.health.path"); n != nil {
		v.Run.Health.Path = strings.TrimSpace(n.Value)
	}
	k.duration("start-deadline", "run.health.start_deadline", &v.Run.Health.StartDeadline)
	k.duration("stop-grace", "run.stop_grace", &v.Run.StopGrace)
	n := k.config("command", "run.command")
	if n == nil {
		return
	}
	words := []string{}
	for _, item := range n.Content {
		words = append(words, follow(item).Value)
	}
	if n.Kind != yaml.SequenceNode || len(words) == 0 {
		k.bad("run.command", place(n), "must be a list of a program and its arguments, e.g. [python3, lib/server.py]")
		return
	}
	v.Run.Command, v.Run.Args = words[0], words[1:]
}

// counts reads how many instances there may be. Nobody knows of an old module
// whether it may run twice, so that is for it to say.
func (k *kbase) counts(v *service.Version) {
	k.number("min", "scale.min", &v.Scale.Min)
	k.number("max", "scale.max", &v.Scale.Max)
	n := k.config("stateful", "stateful")
	if n == nil {
		return
	}
	is, ok := truth(n)
	switch {
	case !ok:
		k.fault(place(n), `"stateful" must be true or false, without quotes`)
	case is && v.Scale.Max > 1:
		k.bad("scale.max", k.of("scale.max"), "must be 1, since stateful is true: two instances would not know of each other's state")
	}
}

// gpu reads a device's name, or a map of what it has to be.
func (k *kbase) gpu(v *service.Version) {
	n := k.config("gpu", "resources.gpus[0]")
	if n == nil {
		return
	}
	g := service.GPU{Name: strings.TrimSpace(n.Value), Count: 1}
	if n.Kind == yaml.MappingNode {
		k.take(n, serviceConfig+".gpu.")
		for key, to := range map[string]*string{"name": &g.Name, "model": &g.Model} {
			if n := k.config("gpu."+key, "resources.gpus[0]."+key); n != nil {
				*to = strings.TrimSpace(n.Value)
			}
		}
		k.number("gpu.count", "resources.gpus[0].count", &g.Count)
		k.number("gpu.min-memory", "resources.gpus[0].min_memory", &g.MinMemory)
	}
	v.Resources.GPUs = []service.GPU{g}
}

// config takes a key under service-config; nil where there is none.
func (k *kbase) config(key, field string) *yaml.Node {
	n := k.keys[serviceConfig+"."+key]
	if n == nil || n.ShortTag() == "!!null" {
		return nil
	}
	k.start[field] = place(n)
	return n
}

func (k *kbase) number(key, field string, to *int) {
	n := k.config(key, field)
	if n == nil {
		return
	}
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		k.broken[field] = true
		k.fault(place(n), "%q must be a whole number, not %q", key, n.Value)
		return
	}
	*to = i
}

func (k *kbase) duration(key, field string, to *service.Duration) {
	n := k.config(key, field)
	if n == nil {
		return
	}
	if err := to.UnmarshalText([]byte(n.Value)); n.Kind != yaml.ScalarNode || err != nil {
		k.broken[field] = true
		k.fault(place(n), "%q must be a duration such as 90s, 10m or 1h30m, not %q", key, n.Value)
	}
}

// unknown tells of keys that have no meaning here: they may be slips of the pen.
func (k *kbase) unknown() []Notice {
	var notices []Notice
	for _, path := range slices.Sorted(maps.Keys(k.keys)) {
		key, inner := strings.CutPrefix(path, serviceConfig+".")
		if !inner || strings.Contains(key, ".") || slices.Contains(configKeys, key) {
			continue
		}
		at := k.keys[path]
		notices = append(notices, fmt.Sprintf("%sservice-config: %q means nothing here: %s", position(k.file, at.Line, at.Column), key, hint(key, configKeys)))
	}
	return notices
}
