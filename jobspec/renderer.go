package jobspec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"text/template"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dynsvc/dynsvc/service"
)

// Renderer writes versions as Nomad jobs. It is safe for concurrent use.
type Renderer struct {
	settings  Settings
	templates map[string]*template.Template // by driver
}

// New reads the templates, those in override (nil: none) before the built-in
// ones, and reports their faults as file:line: message. Every template is tried
// on a sample, so that a fault shows now and not at the first registration.
func New(override fs.FS, s Settings) (*Renderer, error) {
	if err := s.fill(); err != nil {
		return nil, err
	}
	byDriver, err := readTemplates(override)
	if err != nil {
		return nil, err
	}
	r := &Renderer{settings: s, templates: byDriver}
	var faults []error
	for _, driver := range Drivers {
		v, p := r.sample(driver)
		if _, err := r.Render(v, p); err != nil {
			faults = append(faults, err)
		}
	}
	return r, errors.Join(faults...)
}

// unsigned stands in a job's meta while its digest is taken.
var unsigned = "sha256:" + strings.Repeat("0", 2*sha256.Size)

// Render writes the job. Its digest is over the text as it is with zeros in the
// digest's own place, so the text says what it should be itself.
func (r *Renderer) Render(v service.Version, p Placement) (service.Job, error) {
	if err := r.check(v, p); err != nil {
		return service.Job{}, err
	}
	text, err := r.execute(v, p, unsigned)
	if err != nil {
		return service.Job{}, err
	}
	sum := sha256.Sum256(text)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if text, err = r.execute(v, p, digest); err != nil {
		return service.Job{}, err
	}
	return service.Job{Version: v, HCL: string(text), Digest: digest}, nil
}

func (r *Renderer) execute(v service.Version, p Placement, digest string) ([]byte, error) {
	t := r.templates[p.Driver]
	data, err := r.data(v, p, digest)
	if err != nil {
		return nil, service.Errorf(service.ErrInvalid, "render %s: %w", v.ID, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, templateFault(err)
	}
	text := hclwrite.Format(out.Bytes())
	// Nomad's own parser comes later and knows more; this one finds a slip in an
	// operator's template without a server.
	_, diags := hclsyntax.ParseConfig(text, "job written from "+t.Name(), hcl.InitialPos)
	if diags.HasErrors() {
		return nil, service.Errorf(service.ErrInvalid, "%w", diags)
	}
	return text, nil
}

// artifacts are what Nomad is to download: the manifest's artifact, or what was
// uploaded where the manifest names a command alone.
func (r *Renderer) artifacts(v service.Version) []source {
	switch {
	case v.Run.Artifact != "":
		return []source{{v.Run.Artifact, v.Run.Checksum}}
	case v.Run.Image == "":
		return []source{{r.settings.BundleURL + "/" + strings.TrimPrefix(v.Bundle, "sha256:") + ".tar.gz", v.Bundle}}
	}
	return nil
}

// sample uses every part of a template once.
func (r *Renderer) sample(driver string) (service.Version, Placement) {
	v := service.Version{
		ID: "dyn-sample-00000000", Module: "Sample", Version: "0.0.0", Commit: "00000000", Digest: unsigned, Bundle: unsigned,
		Run: service.Run{
			Port: 5000, Env: map[string]string{"SAMPLE": "1"}, Secrets: []string{"SECRET"},
			Health:    service.Health{Path: "/", StartDeadline: service.Duration{Duration: time.Minute}},
			StopGrace: service.Duration{Duration: time.Second},
		},
		Resources: service.Resources{CPU: 100, Memory: 64, MemoryMax: 128, Disk: 300,
			GPUs: []service.GPU{{Name: "nvidia/gpu", Count: 1, MinMemory: 1024, Model: "A100"}}},
		Scale: service.Scale{Max: 1, Concurrency: 1, MaxConcurrency: 1, IdleAfter: service.Duration{Duration: time.Minute}},
	}
	if driver == Docker {
		v.Run.Image = "sample:1"
	} else {
		v.Run.Artifact, v.Run.Checksum = "https://example.org/sample.tar.gz", unsigned
		v.Run.Command, v.Run.Args = "bin/sample", []string{"-v"}
	}
	return v, Placement{Driver: driver, Classes: []string{"a", "b"}, Tightest: "a", Pool: "default", Datacenters: []string{"*"}}
}
