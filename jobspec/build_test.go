package jobspec_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/templates"
)

var buildSettings = jobspec.BuildSettings{Registry: "registry.example.org:5000/dynsvc", Pool: "builders", DockerHost: "unix:///run/builder.sock", Region: "eu", Time: 90 * time.Second}

// TestTheBuildJobIsGolden compares the job with testdata/builds, and checks it as the
// real Nomad has parsed it.
func TestTheBuildJobIsGolden(t *testing.T) {
	job, err := jobspec.RenderBuild(nil, buildSettings)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", "builds")
	golden := filepath.Join(dir, "job.nomad.hcl")
	if *update {
		if err := os.WriteFile(golden, []byte(job.HCL), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(job.HCL, string(want)); diff != "" || job.Version.ID != "dynsvc-build" {
		t.Errorf("%s -got +want (rewrite with -update):\n%s", job.Version.ID, diff)
	}
	for _, name := range []string{"parsed.json", "canonical.json"} {
		file := filepath.Join(dir, name)
		if *update && *nomadAddr != "" {
			if err := os.WriteFile(file, parseAt(t, *nomadAddr, job.HCL, name == "canonical.json"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		parsed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(parsed, []byte(job.Digest)) {
			t.Errorf("%s is of an older job: rewrite it with -update -nomad ADDR", name)
		}
		if err := jobspec.VerifyBuild(buildSettings, parsed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestABuildJobIsHeldToItsRules changes what Nomad read, one thing at a time.
func TestABuildJobIsHeldToItsRules(t *testing.T) {
	text, err := os.ReadFile("testdata/builds/canonical.json")
	if err != nil {
		t.Fatal(err)
	}
	type fields = map[string]any
	task := func(job fields, i int) fields {
		group := job["TaskGroups"].([]any)[0].(fields)
		return group["Tasks"].([]any)[i].(fields)
	}
	tests := []struct {
		name   string
		change func(job fields)
		want   string
	}{
		{"another class", func(job fields) { job["Constraints"] = []any{} }, "node class builder"},
		{"a service", func(job fields) { job["Type"] = "service" }, "Type"},
		{"anything dispatched", func(job fields) { job["ParameterizedJob"].(fields)["MetaRequired"] = []any{"image"} }, "MetaRequired"},
		{"a payload", func(job fields) { job["ParameterizedJob"].(fields)["Payload"] = "required" }, "Payload"},
		{"a third task", func(job fields) {
			group := job["TaskGroups"].([]any)[0].(fields)
			group["Tasks"] = append(group["Tasks"].([]any), fields{})
		}, "3 Tasks"},
		{"a host volume", func(job fields) {
			job["TaskGroups"].([]any)[0].(fields)["Volumes"] = fields{"x": fields{"Source": "x"}}
		}, "Volumes"},
		{"a secret in the build", func(job fields) { task(job, 0)["Templates"] = task(job, 1)["Templates"] }, "Templates"},
		{"another archive", func(job fields) {
			task(job, 0)["Artifacts"].([]any)[0].(fields)["GetterSource"] = "https://example.org"
		}, "GetterSource"},
		{"no checksum", func(job fields) { task(job, 0)["Artifacts"].([]any)[0].(fields)["GetterOptions"] = nil }, "checksum"},
		{"another secret", func(job fields) {
			task(job, 1)["Templates"].([]any)[0].(fields)["EmbeddedTmpl"] = `{{ with nomadVar "dynsvc/modules/other" }}{{ end }}`
		}, "does not read just nomad/jobs/dynsvc-build/build/push"},
		{"a secret by another way", func(job fields) {
			task(job, 1)["Templates"].([]any)[0].(fields)["EmbeddedTmpl"] = `{{ file "/etc/shadow" }}`
		}, "calls file"},
		{"identities", func(job fields) { task(job, 0)["Identities"] = []any{fields{"Name": "x"}} }, "Identities"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var job fields
			if err := json.Unmarshal(text, &job); err != nil {
				t.Fatal(err)
			}
			tt.change(job)
			changed, err := json.Marshal(job)
			if err != nil {
				t.Fatal(err)
			}
			if err := jobspec.VerifyBuild(buildSettings, changed); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// TestACredentialForBaseImagesIsTheBuildsAlone renders the job with one, and holds what
// Nomad would read to it.
func TestACredentialForBaseImagesIsTheBuildsAlone(t *testing.T) {
	s := buildSettings
	s.PullRegistry = "bases.example.org"
	job, err := jobspec.RenderBuild(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	build, push, _ := strings.Cut(job.HCL, `task "push"`)
	for _, want := range []string{`nomadVar "nomad/jobs/dynsvc-build/build/build"`, `DYNSVC_PULL_REGISTRY = "bases.example.org"`, "unset REGISTRY_USERNAME REGISTRY_PASSWORD"} {
		if !strings.Contains(build, want) {
			t.Errorf("the build has no %s:\n%s", want, build)
		}
	}
	if strings.Contains(push, "dynsvc-build/build/build") || strings.Contains(build, "dynsvc-build/build/push") {
		t.Errorf("a task reads the other's credential:\n%s", job.HCL)
	}
	text, err := os.ReadFile("testdata/builds/canonical.json")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"build": "", "push": "does not read just nomad/jobs/dynsvc-build/build/build", "": "Templates"} {
		var read map[string]any
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		tasks := read["TaskGroups"].([]any)[0].(map[string]any)["Tasks"].([]any)
		if path != "" {
			templates, err := json.Marshal(tasks[1].(map[string]any)["Templates"])
			if err != nil {
				t.Fatal(err)
			}
			var own []any
			if err := json.Unmarshal(bytes.ReplaceAll(templates, []byte("build/push"), []byte("build/"+path)), &own); err != nil {
				t.Fatal(err)
			}
			tasks[0].(map[string]any)["Templates"] = own
		}
		changed, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		err = jobspec.VerifyBuild(s, changed)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("with the credential of %q: %v, want %q", path, err, want)
		}
	}
}

func TestBuildSettingsAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *jobspec.BuildSettings)
		want   string
	}{
		{"no registry", func(s *jobspec.BuildSettings) { s.Registry = "" }, "registry"},
		{"a registry alone", func(s *jobspec.BuildSettings) { s.Registry = "registry.example.org" }, "registry"},
		{"a URL", func(s *jobspec.BuildSettings) { s.Registry = "https://registry.example.org/x" }, "registry"},
		{"a service's name", func(s *jobspec.BuildSettings) { s.Job = "dyn-build" }, "dyn-"},
		{"no label", func(s *jobspec.BuildSettings) { s.Job = "Build/er" }, "job"},
		{"an image for a host", func(s *jobspec.BuildSettings) { s.PullRegistry = "registry.example.org/base" }, "pull_registry"},
		{"too little disk", func(s *jobspec.BuildSettings) { s.Disk = 50 }, "disk"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := buildSettings
			tt.change(&s)
			if _, err := jobspec.RenderBuild(nil, s); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that names %q", err, tt.want)
			}
		})
	}
}

// TestAnOperatorsBuildTemplate is used, with its faults placed.
func TestAnOperatorsBuildTemplate(t *testing.T) {
	own, err := templates.FS.ReadFile("build.nomad.hcl.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	const name = "build.nomad.hcl.tmpl"
	text := strings.Replace(string(own), "build --force-rm", "build --network none --force-rm", 1)
	job, err := jobspec.RenderBuild(fstest.MapFS{name: {Data: []byte(text)}}, buildSettings)
	if err != nil || !strings.Contains(job.HCL, "--network none") {
		t.Errorf("%v:\n%s", err, job.HCL)
	}
	for _, bad := range []string{strings.Replace(text, "[[ .Class ]]", "[[ .Klass ]]", 1), strings.Replace(text, "[[ .ID ]]", "[[ printf .ID ]]", 1), text + "}"} {
		if _, err := jobspec.RenderBuild(fstest.MapFS{name: {Data: []byte(bad)}}, buildSettings); err == nil || !strings.Contains(err.Error(), name+":") {
			t.Errorf("error = %v, want one with a place", err)
		}
	}
}

// TestBuildDataPrintsLiterals holds the data to what is said of it: nothing else can
// be written by a template.
func TestBuildDataPrintsLiterals(t *testing.T) {
	literals := []reflect.Type{reflect.TypeFor[jobspec.Text](), reflect.TypeFor[*jobspec.Text](), reflect.TypeFor[jobspec.Number](), reflect.TypeFor[jobspec.List](), reflect.TypeFor[jobspec.Label]()}
	data := reflect.TypeFor[jobspec.BuildData]()
	for i := range data.NumField() {
		known := false
		for _, l := range literals {
			known = known || data.Field(i).Type == l
		}
		if !known {
			t.Errorf("%s is a %s, which is no literal", data.Field(i).Name, data.Field(i).Type)
		}
	}
}

func TestDispatch(t *testing.T) {
	b := service.Build{Module: "Kb__Echo_", Version: "1.0.0", Source: strings.Repeat("a", 40), Bundle: "sha256:" + strings.Repeat("0", 64), Dockerfile: "docker/Dockerfile"}
	got, err := buildSettings.Dispatch(b, "http://agent.example.org/bundles")
	if err != nil {
		t.Fatal(err)
	}
	image := "registry.example.org:5000/dynsvc/kb-echo:" + b.Source
	want := service.Batch{Job: "dynsvc-build", Key: image + " docker/Dockerfile", Meta: map[string]string{
		"bundle": "http://agent.example.org/bundles/" + strings.Repeat("0", 64) + ".tar.gz", "checksum": b.Bundle, "dockerfile": b.Dockerfile, "image": image}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Source = "x y"
	if _, err := buildSettings.Dispatch(b, ""); err == nil {
		t.Error("a name that is no image's was taken")
	}
}
