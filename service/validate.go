package service

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// Bounds of what a manifest may ask for. They keep arithmetic safe and slips of
// the pen visible; what a cluster can really hold is asked of its nodes.
const (
	maxAmount      = 1 << 30 // MHz or MiB
	maxCount       = 10_000
	maxConcurrency = 1_000_000
	maxGPUs        = 1024
	maxStart       = time.Hour
	maxGrace       = time.Hour
	maxIdle        = 7 * 24 * time.Hour
	maxWindow      = 7 * 24 * time.Hour
	maxTimeout     = 2 * time.Hour
	maxLimit       = 24 * time.Hour
	maxJobTimeout  = 30 * 24 * time.Hour
)

var (
	ownerName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$`)
	methodName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_$-]{0,127}$`)
	gpuName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}$`)
	gpuModel   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}$`)
)

// ValidOwner reports whether a name can own a module.
func ValidOwner(name string) bool { return ownerName.MatchString(name) }

// Validate reports everything that is wrong with what the version's manifest
// says, as [Fault] values joined, in the order of the manifest. It does not ask
// whether any node can hold it, nor whether the files it names exist.
func (v *Version) Validate() error {
	var f faults
	v.validateName(&f)
	v.Run.validate(&f)
	v.Resources.validate(&f)
	v.Scale.validate(&f)
	v.Access.validate(&f)
	v.Limits.validate(&f, "limits")
	f.check(v.Wait == Hold || v.Wait == Page, "wait", `must be "page" or left out, not %q`, v.Wait)
	validateMethods(&f, v.Methods)
	validateText(&f, v)
	return f.join()
}

func (v *Version) validateName(f *faults) {
	f.check(ValidModuleName(v.Module), "module", "must be a name of 1 to 63 letters, digits and underscores, not %q", v.Module)
	if _, err := semver.StrictNewVersion(v.Version); err != nil {
		f.add("version", "must be a semantic version such as 1.2.0 (three numbers, no leading v), not %q", v.Version)
	}
	seen := map[string]bool{}
	for i, owner := range v.Owners {
		field := fmt.Sprintf("owners[%d]", i)
		f.check(ownerName.MatchString(owner), field, "must be a user name, not %q", owner)
		f.check(!seen[owner], field, "%q is listed twice: remove one", owner)
		seen[owner] = true
	}
	if v.Interface != "" {
		f.check(validPath(v.Interface), "interface", "must be the path of a file beside the manifest, with no .. in it, not %q", v.Interface)
	}
	if v.Apps != "" {
		f.check(validPath(v.Apps), "apps", "must be the path of a folder beside the manifest, with no .. in it, not %q", v.Apps)
	}
}

func (r *Resources) validate(f *faults) {
	amount := func(field string, n int, unit string) {
		f.check(n > 0 && n <= maxAmount, field, "must be a number of %s greater than 0, not %d", unit, n)
	}
	amount("resources.cpu", r.CPU, "MHz")
	amount("resources.memory", r.Memory, "MiB")
	amount("resources.disk", r.Disk, "MiB")
	if r.MemoryMax != 0 {
		f.check(r.MemoryMax >= r.Memory && r.MemoryMax <= maxAmount, "resources.memory_max",
			"must be at least memory (%d MiB), not %d: raise it or leave it out", r.Memory, r.MemoryMax)
	}
	seen := map[string]bool{}
	for i, g := range r.GPUs {
		field := fmt.Sprintf("resources.gpus[%d]", i)
		f.check(gpuName.MatchString(g.Name), field+".name", `must be a device name such as "nvidia/gpu", not %q`, g.Name)
		f.check(!seen[g.Name], field+".name", "is asked for twice: raise count instead")
		seen[g.Name] = true
		f.check(g.Count >= 1 && g.Count <= maxGPUs, field+".count", "must be between 1 and %d, not %d", maxGPUs, g.Count)
		f.check(g.MinMemory >= 0 && g.MinMemory <= maxAmount, field+".min_memory", "must be a number of MiB from 0 to %d, not %d", maxAmount, g.MinMemory)
		if g.Model != "" {
			f.check(gpuModel.MatchString(g.Model), field+".model", `must be a part of a device's model such as "A100" (letters, digits, blanks and . _ + -), not %q`, g.Model)
		}
	}
}

// Validate returns every fault of a scale that stands by itself, not in a version.
func (s *Scale) Validate() error {
	var f faults
	s.validate(&f)
	return f.join()
}

func (s *Scale) validate(f *faults) {
	f.check(s.Min >= 0, "scale.min", "must be 0 or more, not %d", s.Min)
	f.check(s.Max >= 1 && s.Max <= maxCount, "scale.max", "must be between 1 and %d, not %d", maxCount, s.Max)
	f.check(s.Min <= s.Max || s.Max < 1, "scale.min", "must be no more than max (%d), not %d", s.Max, s.Min)
	f.check(s.Concurrency >= 1 && s.Concurrency <= maxConcurrency, "scale.concurrency",
		"must be between 1 and %d calls, not %d", maxConcurrency, s.Concurrency)
	f.check(s.MaxConcurrency >= s.Concurrency && s.MaxConcurrency <= maxConcurrency, "scale.max_concurrency",
		"must be between concurrency (%d) and %d calls, not %d", s.Concurrency, maxConcurrency, s.MaxConcurrency)
	within(f, "scale.idle_after", s.IdleAfter, time.Second, maxIdle, "; min = 1 keeps an instance for good")
	f.check(s.IdlePrice == nil || *s.IdlePrice >= 0 && *s.IdlePrice <= 1, "scale.idle_price",
		"must be between 0, which acts on no habits, and 1, the cost of a cold start, not %g", deref(s.IdlePrice))
	s.Target.validate(f)
	seen := map[string]bool{}
	for i, w := range s.Windows {
		field := fmt.Sprintf("scale.windows[%d]", i)
		f.check(strings.TrimSpace(w.Name) != "" && len(w.Name) <= 64, field+".name", "must be 1 to 64 characters, not %q", w.Name)
		f.check(!seen[w.Name], field+".name", "is there twice: give each window its own name")
		seen[w.Name] = true
		w.validate(f, field)
		f.check(w.Min >= 1, field+".min", "must be 1 or more instances, not %d", w.Min)
		f.check(w.Min <= s.Max || s.Max < 1, field+".min", "must be no more than scale.max (%d), not %d", s.Max, w.Min)
	}
}

func validateMethods(f *faults, methods []Method) {
	seen := map[string]bool{}
	for i, m := range methods {
		field := fmt.Sprintf("methods[%d]", i)
		f.check(methodName.MatchString(m.Name), field+".name", "must begin with a letter and have only letters, digits, _, - and $, not %q: leave the module's name out", m.Name)
		f.check(!seen[m.Name], field+".name", "is there twice: join both blocks")
		seen[m.Name] = true
		f.check(m.Mode == Sync || m.Mode == Async || m.Mode == Both, field+".mode", `must be "sync", "async" or "both", not %q`, m.Mode)
		if m.Mode != Async {
			within(f, field+".timeout", m.Timeout, time.Millisecond, maxTimeout, "; longer work is for async calls")
		}
		m.Limits.validate(f, field+".limits")
		f.check(m.Limits.Total.Duration == 0, field+".limits.total", "is timeout in a method: set that instead")
		if m.Mode != Sync {
			within(f, field+".job_timeout", m.JobTimeout, time.Second, maxJobTimeout, "")
		}
	}
}

// within checks a duration's bounds.
func within(f *faults, field string, d Duration, least, most time.Duration, hint string) {
	f.check(d.Duration >= least && d.Duration <= most, field, "must be between %s and %s, not %s%s",
		short(least), short(most), short(d.Duration), hint)
}

// short writes whole hours and minutes without their zero parts.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func deref(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}
