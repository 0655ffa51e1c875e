package jobspec_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/service"
)

// TestNewReportsTemplateFaults: an operator's slip is found at the start, with
// its place.
func TestNewReportsTemplateFaults(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"syntax", "docker.nomad.hcl.tmpl", "job [[ .ID ]] {\n [[ if ]]\n}", "docker.nomad.hcl.tmpl:2: missing value for if"},
		{"a field that is not there", "exec.nomad.hcl.tmpl", "job [[ .ID ]] {\n x = [[ .Name ]]\n}", "exec.nomad.hcl.tmpl:2:8: executing"},
		{"HCL", "raw_exec.nomad.hcl.tmpl", "job [[ .ID ]] {\n  x = = 1\n}", "job written from raw_exec.nomad.hcl.tmpl:2,7-8: Invalid expression"},
		{"quotes around a value", "docker.nomad.hcl.tmpl", "job [[ .ID ]] {\n  x = \"[[ .Module ]]\"\n}", "docker.nomad.hcl.tmpl:2,"},
		{"quotes around a label", "docker.nomad.hcl.tmpl", "job \"[[ .ID ]]\" {\n}", `docker.nomad.hcl.tmpl: a value brings its own quotes, leave those around it out: job "" dyn-sample-00000000 "" {`},
		{"printf", "docker.nomad.hcl.tmpl", "job [[ printf \"%d\" .ID ]] {\n}", "a value prints itself, without printf"},
		{"parts", "parts.nomad.hcl.tmpl", "[[ define \"job\" ]]\n[[ end ]", "parts.nomad.hcl.tmpl:2"},
		{"a name that is not read", "dokcer.nomad.hcl.tmpl", "", "no such template; there are build.nomad.hcl.tmpl, docker.nomad.hcl.tmpl, exec.nomad.hcl.tmpl"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := jobspec.New(fstest.MapFS{tt.file: {Data: []byte(tt.text)}}, jobspec.Settings{})
			if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestOverride: one file of the operator's stands in for ours, the others stay.
func TestOverride(t *testing.T) {
	_, v, p := readCase(t, "testdata/docker-plain")
	own := fstest.MapFS{
		"docker.nomad.hcl.tmpl": {Data: []byte("job [[ .ID ]] {\n  priority = 70\n  group \"app\" {\n    [[ template \"group\" . ]]\n  }\n}\n")},
		"README.md":             {Data: []byte("ours")},
	}
	r, err := jobspec.New(own, jobspec.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, r, v, p)
	for _, want := range []string{"priority = 70", `path     = "/"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// TestDigest: it is over the text with zeros in its own place.
func TestDigest(t *testing.T) {
	job := renderCase(t, "testdata/docker-connect-consul")
	if n := strings.Count(job.HCL, job.Digest); n != 2 {
		t.Errorf("the digest stands %d times in the job, want 2", n)
	}
	zeroed := strings.ReplaceAll(job.HCL, job.Digest, "sha256:"+strings.Repeat("0", 64))
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(zeroed))); job.Digest != want {
		t.Errorf("got %s, want %s", job.Digest, want)
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := []struct {
		name, dir string
		change    func(*service.Version, *jobspec.Placement)
		want      string
	}{
		{"id", "docker-plain", func(v *service.Version, _ *jobspec.Placement) { v.ID = "Dyn_x" }, "no DNS label"},
		{"commit", "docker-plain", func(v *service.Version, _ *jobspec.Placement) { v.Commit = "HEAD" }, "hexadecimal"},
		{"interpolation", "docker-plain", func(v *service.Version, _ *jobspec.Placement) { v.Run.Env["A"] = "${attr.kernel.name}" }, "must not contain ${"},
		{"decomposed letters", "quoting", func(v *service.Version, _ *jobspec.Placement) { v.Run.Env["A"] = "e\u0301" }, "normal form C"},
		{"disk", "docker-plain", func(v *service.Version, _ *jobspec.Placement) { v.Resources.Disk = 10 }, "at least 32 MiB"},
		{"an image under exec", "docker-plain", func(_ *service.Version, p *jobspec.Placement) { p.Driver = "exec" }, "images run under docker"},
		{"driver", "docker-plain", func(_ *service.Version, p *jobspec.Placement) { p.Driver = "java" }, "no template for the driver"},
		{"placement", "docker-plain", func(_ *service.Version, p *jobspec.Placement) { p.Classes = nil }, "names no node class"},
		{"no archive", "exec-bundle", func(v *service.Version, _ *jobspec.Placement) { v.Bundle = "" }, "there is no archive of it"},
		{"no address", "exec-artifact-plain", func(v *service.Version, _ *jobspec.Placement) { v.Run.Artifact, v.Run.Checksum = "", "" }, "set no address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, v, p := readCase(t, "testdata/"+tt.dir)
			tt.change(&v, &p)
			_, err := r.Render(v, p)
			if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestSettingsFaults(t *testing.T) {
	_, err := jobspec.New(nil, jobspec.Settings{Drivers: []string{"java"}, Mesh: true, Sidecar: "consul", BundleURL: "ftp://x"})
	for _, want := range []string{`driver "java"`, "address of the node's Consul agent", "bundle address"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	r, v, p := readCase(b, "testdata/docker-connect-consul")
	for b.Loop() {
		if _, err := r.Render(v, p); err != nil {
			b.Fatal(err)
		}
	}
}
