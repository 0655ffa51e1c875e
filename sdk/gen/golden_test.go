package gen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden trees")

// everything is the case whose interface has all there is.
const everything = "everything"

// caseOf reads testdata/<name>: an interface called like the folder but for
// capitals, and options.json where the options are not the usual ones.
func caseOf(t *testing.T, name string) (*kidl.Model, gen.Options) {
	t.Helper()
	dir := filepath.Join("testdata", name)
	specs, err := filepath.Glob(filepath.Join(dir, "*.spec"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(specs, func(path string) bool {
		return strings.EqualFold(filepath.Base(path), name+".spec")
	})
	if i < 0 {
		t.Fatalf("%s has no %s.spec", dir, name)
	}
	model, err := kidl.Load(os.DirFS(dir), filepath.Base(specs[i]))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Module         string `json:"module"`
		Version        string `json:"version"`
		Package        string `json:"package"`
		ProductVersion string `json:"product_version"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "options.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		t.Fatal(err)
	default:
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%s/options.json: %v", dir, err)
		}
	}
	return model, gen.Options{Module: o.Module, Version: o.Version, Package: o.Package, ProductVersion: o.ProductVersion}
}

// cases lists the folders of testdata that have an interface.
func cases(t *testing.T) []string {
	t.Helper()
	specs, err := filepath.Glob("testdata/*/*.spec")
	if err != nil || len(specs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var names []string
	for _, path := range specs {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestGolden holds what is generated for every case, language and kind against
// testdata/<case>/out/<language>-<kind>.
func TestGolden(t *testing.T) {
	for _, name := range cases(t) {
		model, o := caseOf(t, name)
		for _, o.Kind = range []gen.Kind{gen.Client, gen.Server} {
			for _, o.Language = range gen.Languages(o.Kind) {
				t.Run(name+"/"+string(o.Language)+"-"+string(o.Kind), func(t *testing.T) {
					got := generate(t, model, o)
					dir := filepath.Join("testdata", name, "out", string(o.Language)+"-"+string(o.Kind))
					if *update {
						if err := os.RemoveAll(dir); err != nil {
							t.Fatal(err)
						}
						write(t, dir, got)
					}
					if diff := cmp.Diff(read(t, dir), contents(got)); diff != "" {
						t.Errorf("generated (+) is not what %s has (-); -update rewrites it:\n%s", dir, diff)
					}
				})
			}
		}
	}
}

// generate also sees to it that the same question has the same answer, that text
// files end as such, and that no line has blanks at its end.
func generate(t *testing.T, model *kidl.Model, o gen.Options) []gen.File {
	t.Helper()
	files, err := gen.Generate(model, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := gen.Generate(model, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again); diff != "" {
		t.Fatalf("generated twice, and different:\n%s", diff)
	}
	for _, f := range files {
		if len(f.Content) > 0 && (!bytes.HasSuffix(f.Content, []byte("\n")) || bytes.HasSuffix(f.Content, []byte("\n\n"))) {
			t.Errorf("%s does not end with one line end", f.Path)
		}
		for i, line := range strings.Split(string(f.Content), "\n") {
			if strings.TrimRight(line, " \t\r") != line {
				t.Errorf("%s:%d ends with blanks: %q", f.Path, i+1, line)
			}
		}
	}
	return files
}

func contents(files []gen.File) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		all[f.Path] = string(f.Content)
	}
	return all
}

// write puts files into a folder.
func write(t *testing.T, dir string, files []gen.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the files of a folder by path.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}
