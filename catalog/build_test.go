package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// smithy builds images: it remembers what of, and where their archive was then.
type smithy struct {
	catalog *catalog.Catalog
	mu      sync.Mutex
	built   []service.Build
	archive []byte
	refuse  error
}

const builtImage = "registry.example.org/x/built@sha256:0000000000000000000000000000000000000000000000000000000000000000"

func (s *smithy) Build(_ context.Context, b service.Build, log io.Writer) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(log, "Step 1/1 : FROM scratch")
	s.built = append(s.built, b)
	archive, err := os.ReadFile(s.catalog.Bundle(b.Bundle))
	s.archive = archive
	return builtImage, errors.Join(err, s.refuse)
}

func (s *smithy) Log(_ context.Context, w io.Writer, b service.Build) error {
	_, err := fmt.Fprintf(w, "log of %s %s", b.Module, b.Source)
	return err
}

// forge is a catalog with a smithy.
func forge(t *testing.T) (*fixture, *smithy) {
	t.Helper()
	f, s := open(t, catalog.Limits{}), &smithy{}
	d := defaults()
	d.KBaseImage = ""
	var err error
	if f.Catalog, err = catalog.New(f.db, f.dir, f.cluster, hclog.NewNullLogger(), catalog.Options{Defaults: d, Builder: s}); err != nil {
		t.Fatal(err)
	}
	s.catalog = f.Catalog
	return f, s
}

func fileSystem(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

const (
	withCommand = "module \"Built\" {\n  version = \"1.0.0\"\n  run {\n    dockerfile = \"Dockerfile\"\n    command = \"server\"\n    args = [\"-v\"]\n  }\n}\n"
	kbaseYAML   = "module-name: Built\nmodule-description: Is built.\nservice-language: go\nmodule-version: 0.0.1\nowners: [ada]\nservice-config: {dynamic-service: true, command: [server]}\n"
)

func TestAModuleWithADockerfileIsBuilt(t *testing.T) {
	for name, text := range map[string]string{"module.hcl": withCommand, "kbase.yml": kbaseYAML} {
		t.Run(name, func(t *testing.T) {
			f, s := forge(t)
			files := fileSystem(map[string]string{name: text, "Dockerfile": "FROM scratch\n"})
			var log bytes.Buffer
			v, _, err := f.Register(t.Context(), catalog.Upload{Files: files, Commit: strings.Repeat("a", 40), Log: &log})
			if err != nil {
				t.Fatal(err)
			}
			if v.Run.Image != builtImage || v.Run.Dockerfile != "Dockerfile" || v.Run.Command != "" || len(v.Run.Args) > 0 {
				t.Errorf("run %+v", v.Run)
			}
			want := service.Build{Module: "Built", Version: v.Version, Source: v.Commit, Bundle: v.Bundle, Dockerfile: "Dockerfile"}
			if !slices.Equal(s.built, []service.Build{want}) || log.String() != "Step 1/1 : FROM scratch\n" {
				t.Errorf("built %+v, log %q", s.built, &log)
			}
			// What nodes download while it is built is what is kept afterwards.
			kept, err := os.ReadFile(f.Bundle(v.Bundle))
			if err != nil || !bytes.Equal(kept, s.archive) {
				t.Errorf("kept %d bytes, built of %d: %v", len(kept), len(s.archive), err)
			}
			if f.cluster.checked.Run.Image != builtImage {
				t.Errorf("the cluster was asked about %q last", f.cluster.checked.Run.Image)
			}
			again := f.register(t, catalog.Upload{Files: files, Commit: strings.Repeat("b", 40)})
			if again.ID != v.ID || again.Run.Image != builtImage || len(s.built) != 1 {
				t.Errorf("the same files gave %s with %q, built %d times", again.ID, again.Run.Image, len(s.built))
			}
			var kiln bytes.Buffer
			if err := f.BuildLog(t.Context(), v, &kiln); err != nil || kiln.String() != "log of Built "+v.Commit {
				t.Errorf("log %q, %v", &kiln, err)
			}
		})
	}
}

func TestWhatCannotBeRegisteredIsNotBuilt(t *testing.T) {
	dockerfile := map[string]string{"module.hcl": withCommand, "Dockerfile": "FROM scratch\n"}
	tests := []struct {
		name  string
		setup func(t *testing.T, f *fixture, files fstest.MapFS)
		want  string
	}{
		{"no node can hold it", func(_ *testing.T, f *fixture, _ fstest.MapFS) {
			f.cluster.refuse = service.Errorf(service.ErrInvalid, "no class can hold it")
		}, "no class can hold it"},
		{"its semver was released", func(t *testing.T, f *fixture, files fstest.MapFS) {
			f.register(t, catalog.Upload{Files: files, Tag: service.Release})
			files["more"] = &fstest.MapFile{Data: []byte("x")}
		}, "raise the version"},
		{"its Dockerfile is ignored", func(_ *testing.T, _ *fixture, files fstest.MapFS) {
			files[".dynsvcignore"] = &fstest.MapFile{Data: []byte("Dockerfile\n")}
		}, "left out by .dynsvcignore"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, s := forge(t)
			files := fileSystem(dockerfile)
			tt.setup(t, f, files)
			before := len(s.built)
			archive := bytes.NewReader(tarOf(t, entries(files, "")))
			if _, _, err := f.Register(t.Context(), catalog.Upload{Archive: archive}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
			if len(s.built) != before {
				t.Error("it was built")
			}
		})
	}
}

func TestABuildThatFailsLeavesNothing(t *testing.T) {
	f, s := forge(t)
	s.refuse = service.Errorf(service.ErrInvalid, "the Dockerfile failed at step 2/3")
	files := fileSystem(map[string]string{"module.hcl": withCommand, "Dockerfile": "FROM scratch\n"})
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: files}); !errors.Is(err, s.refuse) {
		t.Errorf("error %v", err)
	}
	if left := f.left(t); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	if _, err := f.db.Module(t.Context(), "Built"); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("the module is there: %v", err)
	}
}

func TestWithoutABuilder(t *testing.T) {
	f := open(t, catalog.Limits{})
	files := fileSystem(map[string]string{"module.hcl": withCommand, "Dockerfile": "FROM scratch\n"})
	v, notices, err := f.Register(t.Context(), catalog.Upload{Files: files})
	if err != nil || v.Run.Command != "server" || v.Run.Image != "" || !slices.ContainsFunc(notices, func(n string) bool { return strings.Contains(n, "builds no images") }) {
		t.Errorf("run %+v, notices %q, %v", v.Run, notices, err)
	}
	if err := f.BuildLog(t.Context(), v, io.Discard); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("a log of no build: %v", err)
	}
	files["module.hcl"].Data = []byte(strings.NewReplacer("    command = \"server\"\n", "", "    args = [\"-v\"]\n", "").Replace(withCommand))
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: files}); !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "its operator has not set builds") {
		t.Errorf("error %v", err)
	}
}
