package catalog_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func defaults() catalog.Defaults {
	d := catalog.StandardDefaults()
	d.KBaseImage = "registry.example.org/kbase/{module_lower}:{commit}"
	d.Maxima = service.Limits{Wait: service.Duration{Duration: time.Hour}, Total: service.Duration{Duration: 40 * time.Minute}}
	d.Commit = "4f2a9c1d" + strings.Repeat("0", 32)
	return d
}

// A case is a folder under testdata/manifests: a module's files and either
// want.json, the version read, or want.err, the faults.
func TestReadManifest(t *testing.T) {
	folders, err := filepath.Glob("testdata/manifests/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			v, notices, err := catalog.ReadManifest(os.DirFS(folder), defaults())
			got := map[string]string{}
			if err != nil {
				if !errors.Is(err, service.ErrInvalid) {
					t.Errorf("error %v is not ErrInvalid", err)
				}
				got["want.err"] = err.Error() + "\n"
			} else {
				text, err := json.MarshalIndent(v, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				got["want.json"] = string(text) + "\n"
				for _, n := range notices {
					got["want.json"] += "// " + n + "\n"
				}
			}
			for _, name := range []string{"want.json", "want.err"} {
				golden(t, filepath.Join(folder, name), got[name])
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if got != "" {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestReadManifestWithoutAny(t *testing.T) {
	_, _, err := catalog.ReadManifest(fstest.MapFS{"README.md": {}}, defaults())
	if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "module.hcl") {
		t.Errorf("error %v", err)
	}
}

func TestReadManifestKBaseImage(t *testing.T) {
	files := fstest.MapFS{"kbase.yml": {Data: []byte("module-name: Hello\nmodule-description: d\nmodule-version: 0.0.1\n" +
		"service-language: python\nowners: [ada]\nservice-config: {dynamic-service: true}\n")}}
	for _, tt := range []struct{ pattern, commit, want string }{
		{"", "", "have the operator set kbase_image"},
		{"r/{module_lower}:{commit}", "", "register from a clean git work tree"},
		{"r/{module}:{version}", "", "run.image must be an image reference"},
		{"{{module}}", "", "must not contain {{"},
	} {
		d := catalog.StandardDefaults()
		d.KBaseImage, d.Commit = tt.pattern, tt.commit
		_, _, err := catalog.ReadManifest(files, d)
		if tt.pattern == "{{module}}" {
			tt.want = "run.image must be an image reference"
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("pattern %q: error %v, want %q", tt.pattern, err, tt.want)
		}
	}
}

// Whatever stands in a manifest, what comes out is inert or refused.
func TestReadManifestHostile(t *testing.T) {
	wrap := func(value string) string {
		return fmt.Sprintf("module \"A\" {\n  version = \"1.0.0\"\n  run {\n    command = \"x\"\n    env = { A = %s }\n  }\n}\n", value)
	}
	refused := map[string]string{
		"interpolation":  wrap(`"${file("/etc/passwd")}"`),
		"wrapped":        wrap(`"${"x"}"`),
		"directive":      wrap(`"%{ if true }x%{ endif }"`),
		"escaped":        wrap(`"$${NOMAD_TOKEN}"`),
		"template":       wrap(`"{{ key \"a\" }}"`),
		"nul":            wrap(`"a\u0000b"`),
		"newline":        wrap(`"a\nb"`),
		"heredoc":        wrap("<<E\nx\nE\n"),
		"function":       wrap(`file("/etc/passwd")`),
		"variable":       wrap(`var.x`),
		"for expression": wrap(`[for a in [1, 2]: a]`),
		"arithmetic":     wrap(`1 + 1`),
		"huge number":    wrap(`1e999999999`),
		"not a number":   "module \"A\" {\n version = \"1.0.0\"\n run {\n command = \"x\"\n port = 1e999999\n }\n}\n",
		"fraction":       "module \"A\" {\n version = \"1.0.0\"\n run {\n command = \"x\"\n port = 50.5\n }\n}\n",
		"module name":    "module \"A\\\" { }\" {\n version = \"1.0.0\"\n run {\n command = \"x\"\n }\n}\n",
		"deep":           wrap(strings.Repeat("[", 20_000)),
		"deep templates": wrap(strings.Repeat(`"${`, 10_000)),
		"negations":      wrap(strings.Repeat("-", 60_000) + "1"),
		"conditions":     wrap(strings.Repeat("a?", 20_000)),
		"large":          wrap(`"` + strings.Repeat("x", 70_000) + `"`),
		"binary":         "\x00\xff\xfe",
		"empty":          "",
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			_, _, err := catalog.ReadManifest(fstest.MapFS{"module.hcl": {Data: []byte(text)}}, defaults())
			if !errors.Is(err, service.ErrInvalid) {
				t.Fatalf("error %v, want ErrInvalid", err)
			}
			if !strings.HasPrefix(err.Error(), "module.hcl:") || len(err.Error()) > 2000 {
				t.Errorf("error %.300s", err)
			}
		})
	}
	inert := fstest.MapFS{"module.hcl": {Data: []byte(wrap(`"\" } task \"evil\" { driver = \"raw_exec"`))}}
	v, _, err := catalog.ReadManifest(inert, defaults())
	if want := `" } task "evil" { driver = "raw_exec`; err != nil || v.Run.Env["A"] != want {
		t.Errorf("env A = %q, %v, want %q", v.Run.Env["A"], err, want)
	}
}

func FuzzReadManifest(f *testing.F) {
	folders, err := filepath.Glob("testdata/manifests/*/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range folders {
		name := filepath.Base(file)
		if name != "module.hcl" && !strings.HasPrefix(name, "kbase.y") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if name != "module.hcl" {
			name = "kbase.yml"
		}
		v, _, err := catalog.ReadManifest(fstest.MapFS{name: {Data: text}}, defaults())
		if err != nil {
			return
		}
		if err := v.Validate(); err != nil {
			t.Errorf("read a version that is not valid: %v", err)
		}
	})
}
