package jobspec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"text/template"

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
		v, p := sample(driver)
		job, err := r.Render(v, p)
		if err == nil {
			err = checkQuotes(job.HCL, driver+extension)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return r, nil
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
	if err := checkSyntax(text, p.Driver+extension); err != nil {
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
	return hclwrite.Format(out.Bytes()), nil
}

// checkSyntax finds a slip in an operator's template without a server. Nomad's
// own parser comes later and knows more.
func checkSyntax(text []byte, name string) error {
	if _, diags := hclsyntax.ParseConfig(text, "job written from "+name, hcl.InitialPos); diags.HasErrors() {
		return service.Errorf(service.ErrInvalid, "%w", diags)
	}
	return nil
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
