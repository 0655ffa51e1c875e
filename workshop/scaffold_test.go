package workshop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/workshop"
)

// lay writes a new module into a folder.
func lay(t *testing.T, name string, lang gen.Language) string {
	t.Helper()
	files, err := workshop.Scaffold(workshop.Module{Name: name, Language: lang, ProductVersion: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		write(t, dir, f.Path, string(f.Content))
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a part of a file.
func edit(t *testing.T, dir, name, before, after string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !strings.Contains(string(text), before) {
		t.Fatalf("%s has no %q (%v)", name, before, err)
	}
	write(t, dir, name, strings.Replace(string(text), before, after, 1))
}

// TestANewModuleWorksAsItIs builds one in each language and runs its own tests,
// without a network and without anything installed.
func TestANewModuleWorksAsItIs(t *testing.T) {
	for _, name := range workshop.Languages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lang, err := workshop.ParseLanguage(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := lay(t, "My_Greeter2", lang)
			checked, err := workshop.Check(os.DirFS(dir), "1.2.3")
			if err != nil || len(checked.Notices) > 0 {
				t.Fatalf("it is not sound: %v, notices %q", err, checked.Notices)
			}
			var out bytes.Buffer
			if err := workshop.Build(t.Context(), dir, checked.Version.Run.Build, &out); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			test := strings.Fields(workshop.TestCommand(lang))
			if last := len(test) - 1; strings.Contains(test[last], "*") { // no shell is there to do it
				found, err := filepath.Glob(filepath.Join(dir, test[last]))
				if err != nil || len(found) == 0 {
					t.Fatalf("no files are %s (%v)", test[last], err)
				}
				test = append(test[:last], found...)
			}
			cmd := exec.CommandContext(t.Context(), test[0], test[1:]...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOPROXY=off", "PYTHONDONTWRITEBYTECODE=1")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(test, " "), err, text)
			}
			if _, err := catalog.Pack(dir); err != nil {
				t.Errorf("it cannot be packed: %v", err)
			}
		})
	}
}

func TestAModuleNeedsAName(t *testing.T) {
	for _, name := range []string{"", "my-module", "1st", "_x", "a b", "../x", strings.Repeat("x", 64)} {
		if _, err := workshop.Scaffold(workshop.Module{Name: name, Language: gen.Python}); err == nil || !strings.Contains(err.Error(), "letters, digits and underscores") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := workshop.ParseLanguage("cobol"); err == nil || !strings.Contains(err.Error(), "go, javascript, python") {
		t.Errorf("cobol: %v", err)
	}
}

func TestGenerateFollowsTheInterfaceAndLeavesTheAuthorsFileAlone(t *testing.T) {
	dir := lay(t, "Greeter", gen.Python)
	edit(t, dir, "Greeter.spec", "    /* Greets", "    funcdef bye(string name) returns (string text);\n\n    /* Greets")
	checked, err := workshop.Check(os.DirFS(dir), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"interface.py is not what Greeter.spec gives: run dynsvc generate", "the function bye is not written: no file has bye"}
	if diff := cmp.Diff(want, checked.Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	files, err := workshop.Generate(checked.Model, "Greeter", gen.Python, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range workshop.Differing(files, os.DirFS(dir)) {
		if names = append(names, f.Path); !f.Keep {
			write(t, dir, f.Path, string(f.Content))
		}
	}
	if diff := cmp.Diff([]string{"interface.py", "server.py"}, names); diff != "" {
		t.Errorf("files that differ (-want +got):\n%s", diff)
	}
	if checked, err = workshop.Check(os.DirFS(dir), "1.2.3"); err != nil || len(checked.Notices) != 1 {
		t.Errorf("after generate: %v, notices %q", err, checked.Notices)
	}
	for _, f := range workshop.WithoutRuntime(files, gen.Python) {
		if strings.HasPrefix(f.Path, "dynsvc/") {
			t.Errorf("%s is a file of the runtime", f.Path)
		}
	}
}
