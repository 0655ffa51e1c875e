package catalog

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dynsvc/dynsvc/service"
)

// readHCL reads module.hcl. Its grammar is the calls below, block by block.
func readHCL(fsys fs.FS, file string, src []byte, d Defaults) (service.Version, []Notice, error) {
	p := newPlaces(file)
	body := p.parse(src)
	if body == nil {
		return service.Version{}, nil, joined(p.faults)
	}
	top := &section{places: p, body: body, what: file}
	p.start[""] = hcl.InitialPos
	labels, modules := top.blocks("module", "module", "FilterContigs")
	top.finish()
	if len(modules) == 0 {
		if len(p.faults) == 0 {
			p.fault(hcl.InitialPos, `%s needs a module block: module "FilterContigs" { … }`, file)
		}
		return service.Version{}, nil, joined(p.faults)
	}
	for _, more := range modules[1:] {
		p.fault(p.start[more.path], "a second module, %s: a folder holds one, move it to a folder of its own", more.what)
	}
	s := modules[0]
	p.start[""], p.start["module"] = p.start[s.path], p.start[s.path]
	s.path, p.names = "", map[string]string{}
	v := d.version()
	v.Module, v.Manifest = labels[0], file
	validate := readModule(s, &v, d)
	p.check(v.Validate())
	p.checkMaxima(&v, d.Maxima)
	p.checkFiles(fsys, &v)
	v.AppIDs = listed(fsys, v.Apps, "")
	notices := p.describe(fsys, &v, d)
	for i := range v.Methods { // now those of the interface, too
		v.Methods[i].Validate = cmp.Or(v.Methods[i].Validate, validate)
	}
	if len(p.faults) > 0 {
		return service.Version{}, nil, joined(p.faults)
	}
	for _, remark := range remarks(&v) {
		at := p.of(remark[0])
		notices = append(notices, position(file, at.Line, at.Column)+remark[0]+" "+remark[1])
	}
	return v, notices, nil
}

// parse returns nil where the text is not HCL. An attribute given twice is
// reported and the rest still read.
func (p *places) parse(src []byte) *hclsyntax.Body {
	tokens, diags := hclsyntax.LexConfig(src, p.file, hcl.InitialPos)
	if at, deep := tooDeep(tokens); deep {
		p.fault(at, "brackets nest too deep")
		return nil
	}
	usable := !diags.HasErrors()
	if usable {
		var file *hcl.File
		file, diags = hclsyntax.ParseConfig(src, p.file, hcl.InitialPos)
		body, ok := file.Body.(*hclsyntax.Body)
		for _, diag := range diags {
			usable = usable && diag.Summary == "Attribute redefined"
		}
		if ok && usable {
			p.syntax(diags)
			return body
		}
	}
	p.syntax(diags)
	return nil
}

func (p *places) syntax(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		at := hcl.InitialPos
		if diag.Subject != nil {
			at = diag.Subject.Start
		}
		text := diag.Summary + ": " + strings.Join(strings.Fields(diag.Detail), " ")
		if diag.Summary == "Invalid single-argument block definition" {
			text = "a block on one line has one attribute at most: write each attribute on a line of its own"
		}
		p.fault(at, "%s", text)
	}
}

// readModule returns what the module says of its methods' validate.
func readModule(s *section, v *service.Version, d Defaults) *bool {
	s.need("version", `"1.2.0"`)
	s.text("version", `"1.2.0"`, &v.Version)
	s.text("description", `"Drops short contigs."`, &v.Description)
	s.texts("owners", `["ada", "grace"]`, &v.Owners)
	s.text("interface", `"FilterContigs.spec"`, &v.Interface)
	s.text("apps", `"ui/narrative/methods"`, &v.Apps)
	wait := string(v.Wait)
	s.text("wait", `"page"`, &wait)
	v.Wait = service.Wait(wait)
	if run := s.block("run"); run != nil {
		readRun(run, &v.Run)
	} else {
		s.broken["run"] = true
		if !s.has("run") {
			s.fault(s.start[""], "%s needs a run block that says what to run: image, dockerfile, artifact with command, or command", s.what)
		}
	}
	if resources := s.block("resources"); resources != nil {
		readResources(resources, &v.Resources)
	}
	// A device is slow to get and to fill: its instances stay longer.
	if len(v.Resources.GPUs) > 0 {
		v.Scale.IdleAfter.Duration = max(v.Scale.IdleAfter.Duration, d.GPUIdleAfter.Duration)
	}
	if scale := s.block("scale"); scale != nil {
		readScale(scale, &v.Scale)
	}
	if access := s.block("access"); access != nil {
		readAccess(access, &v.Access)
	}
	checked := s.truth("validate")
	if checked != nil && *checked && !s.has("interface") {
		s.bad(s.field("validate"), s.of(s.field("validate")), "needs interface, which says what parameters there are")
	}
	if limits := s.block("limits"); limits != nil {
		readLimits(limits, &v.Limits)
		limits.duration("total", `"10m"`, &v.Limits.Total)
		limits.finish()
	}
	names, methods := s.blocks("method", "methods", "filter_contigs")
	for i, m := range methods {
		method := d.method(names[i])
		mode := string(method.Mode)
		m.text("mode", `"both"`, &mode)
		method.Mode = service.Mode(mode)
		m.duration("timeout", `"60s"`, &method.Timeout)
		m.duration("job_timeout", `"2h"`, &method.JobTimeout)
		if method.Mode == service.Sync {
			if m.has("job_timeout") {
				m.bad(m.field("job_timeout"), m.of(m.field("job_timeout")), `is for async calls: set mode = "both" or leave it out`)
			}
			method.JobTimeout = service.Duration{}
		}
		m.flag("idempotent", &method.Idempotent)
		method.Validate = m.truth("validate")
		if limits := m.block("limits"); limits != nil {
			readLimits(limits, &method.Limits)
			limits.finish()
		}
		m.finish()
		v.Methods = append(v.Methods, method)
	}
	s.finish()
	return checked
}

// readLimits reads what the limits of a version and those of a method share.
func readLimits(s *section, l *service.Limits) {
	s.duration("wait", `"30s"`, &l.Wait)
	s.duration("first_byte", `"30s"`, &l.FirstByte)
	s.duration("idle", `"60s"`, &l.Idle)
}

func readAccess(s *section, a *service.Access) {
	visibility := ""
	s.text("visibility", `"authenticated"`, &visibility)
	a.Visibility = service.Visibility(visibility)
	s.texts("users", `["ada", "grace"]`, &a.Users)
	if s.has("users") && !s.has("visibility") {
		a.Visibility = service.Listed // there is nothing else that a list could mean
	}
	s.finish()
}

func readRun(s *section, r *service.Run) {
	s.text("image", `"registry.example.org/name:1.2.0"`, &r.Image)
	s.text("dockerfile", `"Dockerfile"`, &r.Dockerfile)
	if r.Image != "" && r.Dockerfile != "" {
		s.bad(s.field("dockerfile"), s.of(s.field("dockerfile")), "cannot go with image: keep one of the two")
	}
	s.text("artifact", `"https://example.org/server.tar.gz"`, &r.Artifact)
	s.text("checksum", `"sha256:…"`, &r.Checksum)
	s.text("command", `"bin/server"`, &r.Command)
	s.texts("args", `["--verbose"]`, &r.Args)
	s.texts("build", `["go", "build", "-o", "bin/server", "."]`, &r.Build)
	s.number("port", "5000", &r.Port)
	protocol := string(r.Protocol)
	s.text("protocol", `"h2c"`, &protocol)
	r.Protocol = service.Protocol(protocol)
	s.table("env", `{ LOG_LEVEL = "info" }`, &r.Env)
	s.texts("secrets", `["DB_PASSWORD"]`, &r.Secrets)
	if health := s.block("health"); health != nil {
		health.text("path", `"/"`, &r.Health.Path)
		health.duration("start_deadline", `"120s"`, &r.Health.StartDeadline)
		health.finish()
	}
	s.duration("stop_grace", `"30s"`, &r.StopGrace)
	forms := []string{"image", "dockerfile", "artifact", "command"}
	if slices.ContainsFunc(forms, func(form string) bool { return s.broken[s.field(form)] }) {
		// It was said which form is meant; how the others go with it is not known.
		for _, field := range []string{"run", "run.artifact", "run.checksum", "run.command", "run.args"} {
			s.broken[field] = true
		}
	}
	s.finish()
}

func readResources(s *section, r *service.Resources) {
	s.number("cpu", "500", &r.CPU)
	s.number("memory", "512", &r.Memory)
	s.number("memory_max", "1024", &r.MemoryMax)
	if s.given("memory") && !s.given("memory_max") && r.MemoryMax < r.Memory {
		r.MemoryMax = 0
	}
	if s.given("memory_max") && !s.given("memory") && r.MemoryMax > 0 {
		r.Memory = min(r.Memory, r.MemoryMax)
	}
	s.number("disk", "300", &r.Disk)
	names, gpus := s.blocks("gpu", "gpus", "nvidia/gpu")
	for i, g := range gpus {
		gpu := service.GPU{Name: names[i], Count: 1}
		g.number("count", "1", &gpu.Count)
		g.memory("min_memory", &gpu.MinMemory)
		g.text("model", `"A100"`, &gpu.Model)
		g.finish()
		r.GPUs = append(r.GPUs, gpu)
	}
	s.finish()
}

var memorySize = regexp.MustCompile(`^([0-9]{1,9}) ?(MiB|GiB|TiB)$`)

// memory takes an amount written with its unit and turns it into MiB.
func (s *section) memory(name string, to *int) {
	text := ""
	s.text(name, `"24 GiB"`, &text)
	if !s.given(name) {
		return
	}
	parts := memorySize.FindStringSubmatch(text)
	if parts == nil {
		s.bad(s.field(name), s.start[s.field(name)], `must be an amount in MiB, GiB or TiB such as "24 GiB", not %q`, text)
		return
	}
	n, _ := strconv.Atoi(parts[1]) // nine digits always fit
	*to = n * map[string]int{"MiB": 1, "GiB": 1 << 10, "TiB": 1 << 20}[parts[2]]
}

func readScale(s *section, c *service.Scale) {
	s.number("min", "0", &c.Min)
	s.number("max", "10", &c.Max)
	s.number("concurrency", "10", &c.Concurrency)
	s.number("max_concurrency", "50", &c.MaxConcurrency)
	s.duration("idle_after", `"10m"`, &c.IdleAfter)
	if target := s.block("target"); target != nil {
		target.number("requests_per_second", "100", &c.Target.Rate)
		target.duration("queue_delay", `"500ms"`, &c.Target.QueueDelay)
		target.number("cpu_percent", "70", &c.Target.CPUPercent)
		target.duration("latency", `"800ms"`, &c.Target.Latency)
		target.number("percentile", "95", &c.Target.Percentile)
		target.finish()
	}
	names, windows := s.blocks("window", "windows", "office hours")
	for i, b := range windows {
		w := service.Window{Name: names[i], Min: 1}
		b.need("cron", `"0 8 * * 1-5"`)
		b.need("duration", `"10h"`)
		b.text("cron", `"0 8 * * 1-5"`, &w.Cron)
		b.duration("duration", `"10h"`, &w.Duration)
		b.text("time_zone", `"America/Los_Angeles"`, &w.TimeZone)
		b.number("min", "2", &w.Min)
		b.finish()
		c.Windows = append(c.Windows, w)
	}
	s.finish()
	s.widen(c)
}

// widen keeps a default from contradicting what the manifest says beside it.
func (s *section) widen(c *service.Scale) {
	if !s.given("max") {
		c.Max = max(c.Max, c.Min)
		for _, w := range c.Windows {
			c.Max = max(c.Max, w.Min)
		}
	}
	if !s.given("min") && c.Max >= 0 {
		c.Min = min(c.Min, c.Max)
	}
	if !s.given("max_concurrency") {
		c.MaxConcurrency = max(c.MaxConcurrency, c.Concurrency)
	}
	if !s.given("concurrency") && c.MaxConcurrency >= 1 {
		c.Concurrency = min(c.Concurrency, c.MaxConcurrency)
	}
}

// describe completes the methods by the interface, whose mistakes are faults.
func (p *places) describe(fsys fs.FS, v *service.Version, d Defaults) (notices []Notice) {
	if p.broken["interface"] || p.broken["module"] || missing(fsys, v.Interface, false) != "" {
		return nil
	}
	given := func(i int) bool { _, ok := p.start[fmt.Sprintf("methods[%d].mode", i)]; return ok }
	faults, mistakes, warnings := methodsOf(fsys, v, d, given)
	for _, f := range faults {
		field := "interface"
		if f.method >= 0 {
			field = fmt.Sprintf("methods[%d]", f.method)
		}
		p.fault(p.of(field), "%s %s", p.call(field), f.text)
	}
	for _, m := range mistakes {
		p.faults = append(p.faults, Fault{File: m.File, Line: m.Line, Col: m.Col, Text: m.Message})
	}
	for _, w := range warnings {
		notices = append(notices, w.String())
	}
	return notices
}

// checkFiles reports files that the manifest names and the module lacks.
func (p *places) checkFiles(fsys fs.FS, v *service.Version) {
	for _, f := range []struct {
		field, name string
		folder      bool
	}{{"interface", v.Interface, false}, {"apps", v.Apps, true}, {"run.dockerfile", v.Run.Dockerfile, false}} {
		if f.name == "" || p.broken[f.field] {
			continue
		}
		if text := missing(fsys, f.name, f.folder); text != "" {
			p.fault(p.of(f.field), "%s %s", p.call(f.field), text)
		}
	}
}
