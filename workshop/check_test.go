package workshop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/workshop"
)

// TestCheckReportsAllFaultsAtOnce makes one mistake in each thing that is checked.
func TestCheckReportsAllFaultsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  []string // in the error
		notes []string // among the notices
	}{
		{"manifest and examples", func(t *testing.T, dir string) {
			edit(t, dir, "module.hcl", "max        = 4", "max        = 0")
			write(t, dir, "tests/a.json", `{"metod": "hello"}`)
			write(t, dir, "tests/b.json", `[{"method": "Greeter.hello", "result": [], "error": {}}, {"method": "hello", "params": 5}, {}]`)
			if err := os.Symlink("server.py", filepath.Join(dir, "link.py")); err != nil {
				t.Fatal(err)
			}
		}, []string{
			"module.hcl:24:5: scale.max must be", "link.py is a link", `tests/a.json: is no example call`, `unknown field "metod"`,
			`tests/b.json: example 1 names the method "Greeter.hello": leave the module's name out`,
			"tests/b.json: example 2 needs params as a list", "tests/b.json: example 3 needs method",
		}, nil},
		{"examples against the interface", func(t *testing.T, dir string) {
			write(t, dir, "tests/a.json", `[{"method": "helo"}, {"method": "status"},
				{"name": "x", "method": "hello", "params": [{"name": 5}]},
				{"method": "hello", "params": {"param": {}}}, {"method": "hello", "params": [{"name": "a"}], "result": [5]}]`)
		}, []string{
			"tests/a.json: helo is no function of Greeter.spec", "tests/a.json: hello: x: params do not fit: $[0].name: expected a string, found 5",
			"tests/a.json: hello: params do not fit: $.param: is no parameter", "tests/a.json: hello: result does not fit: $[0]: expected a string, found 5",
		}, nil},
		{"interface", func(t *testing.T, dir string) {
			edit(t, dir, "Greeter.spec", "funcdef hello(HelloParams", "funcdef hello(HeloParams")
		}, []string{"Greeter.spec:"}, nil},
		{"a program that is not there", func(t *testing.T, dir string) {
			edit(t, dir, "module.hcl", `"python3"`, `"bin/server"`)
		}, []string{"run.command names bin/server, which is not there"}, nil},
		{"an image without a Dockerfile", func(t *testing.T, dir string) {
			edit(t, dir, "module.hcl", `command = "python3"`, `image = "registry.example.org/x:1"`)
			edit(t, dir, "module.hcl", `args    = ["server.py"]`, "")
			if err := os.Remove(filepath.Join(dir, "Dockerfile")); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"there is no Dockerfile: run.image is built somewhere else"}},
		{"kbase.yml without a Dockerfile", func(t *testing.T, dir string) {
			for _, name := range []string{"module.hcl", "Dockerfile"} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, dir, "kbase.yml", "module-name: Greeter\nmodule-description: Greets\nmodule-version: 1.0.0\nowners: [ada]\n"+
				"service-language: python\nservice-config: {dynamic-service: true}\n")
		}, []string{"there is no Dockerfile: the image of a module with kbase.yml is built from one"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := lay(t, "Greeter", gen.Python)
			tt.spoil(t, dir)
			checked, err := workshop.Check(os.DirFS(dir), "1.2.3")
			if err == nil && len(tt.want) > 0 {
				t.Fatalf("no fault was found; notices %q", checked.Notices)
			}
			if err != nil && len(tt.want) == 0 {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			for _, want := range tt.notes {
				if !strings.Contains(strings.Join(checked.Notices, "\n"), want) {
					t.Errorf("no %q in the notices:\n%q", want, checked.Notices)
				}
			}
		})
	}
}
