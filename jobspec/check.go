package jobspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/zclconf/go-cty/cty"

	"github.com/dynsvc/dynsvc/service"
)

var (
	label     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	hexDigits = regexp.MustCompile(`^[0-9a-f]*$`)
	bundleSum = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// minDisk is what the logs of an instance and its sidecar may take, and a rest.
const minDisk = 32

// check refuses what would not survive rendering. Most of it registration
// refuses already; a job must not depend on that.
func (r *Renderer) check(v service.Version, p Placement) error {
	faults := []error{v.Validate()}
	fault := func(format string, args ...any) {
		faults = append(faults, service.Errorf(service.ErrInvalid, format, args...))
	}
	if !label.MatchString(string(v.ID)) {
		fault("service id %q is no DNS label", v.ID)
	}
	if !hexDigits.MatchString(v.Commit) {
		fault("commit %q is no lower-case hexadecimal number", v.Commit)
	}
	if v.Resources.Disk < minDisk {
		fault("resources.disk must be at least %d MiB, since the logs are kept there too, not %d", minDisk, v.Resources.Disk)
	}
	if _, ok := r.templates[p.Driver]; !ok {
		fault("no template for the driver %q", p.Driver)
	}
	if len(p.Classes) == 0 || p.Pool == "" || len(p.Datacenters) == 0 {
		fault("the placement names no node class, pool or datacenter")
	}
	if (p.Driver == Docker) != (v.Run.Image != "") {
		fault("the driver %q cannot run it: images run under %s, commands under %s or %s", p.Driver, Docker, Exec, RawExec)
	}
	if v.Run.Image == "" && v.Run.Artifact == "" {
		if r.settings.BundleURL == "" {
			fault("a module with run.command alone is downloaded from dynsvc, and the operator has set no address for that")
		}
		if !bundleSum.MatchString(v.Bundle) {
			fault("a module with run.command alone is downloaded from dynsvc, and there is no archive of it")
		}
	}
	if !normal(v.Run) || !normal(v.Resources) {
		fault("a value is not in Unicode normal form C, and HCL would change it: write accented letters as one character")
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("render %s: %w", v.ID, err)
	}
	return nil
}

// normal reports whether every string of v survives HCL, which normalises them.
func normal(v any) bool {
	text, err := json.Marshal(v)
	return err == nil && cty.NormalizeString(string(text)) == string(text)
}
