//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// author is what an author of a language does with a generated function.
type author struct {
	lang, file string
	before     string // where a function is put in the file; empty: at its end
	unwritten  string
	written    string
	test       []string // that init has made
}

var authors = []author{
	{lang: "go", file: "main.go", unwritten: "\tvar result string\n\treturn result, sdk.Errorf(\"bye is not written yet\")",
		written: "\treturn \"Bye, \" + name, nil", test: []string{"go", "test", "./..."}},
	{lang: "python", file: "server.py", before: "\n\nservice = ", unwritten: `raise dynsvc.CallError("bye is not written yet")`,
		written: `return "Bye, " + name`, test: []string{"python3", "-m", "unittest"}},
	{lang: "javascript", file: "server.js", before: "};\n\nexport const service", unwritten: `throw new CallError("bye is not written yet");`,
		written: `return "Bye, " + name;`, test: []string{"node", "--test", "test/server.test.js"}},
}

// TestAnAuthorsLoop goes from nothing to a call of a version on the cluster, in
// each language: init, a new function in the interface, generate, the function
// written, test, register, call.
func TestAnAuthorsLoop(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	for _, w := range authors {
		t.Run(w.lang, func(t *testing.T) {
			name := "Loop_" + w.lang
			dir := filepath.Join(t.TempDir(), "module")
			a.do("init", name, "-lang", w.lang, "-o", dir)
			change(t, dir, name+".spec", "    /* Greets somebody. */", "    /* Says goodbye. */\n    funcdef bye(string name) returns (string text) authentication none;\n\n    /* Greets somebody. */")

			var generated struct {
				Missing []struct{ Function, Code string }
			}
			if err := json.Unmarshal([]byte(a.do("generate", dir, "-json")), &generated); err != nil || len(generated.Missing) != 1 {
				t.Fatalf("generate: %v, missing %+v", err, generated.Missing)
			}
			code := generated.Missing[0].Code
			if !strings.Contains(code, w.unwritten) {
				t.Fatalf("the function has no %q:\n%s", w.unwritten, code)
			}
			code = "\n" + strings.Replace(code, w.unwritten, w.written, 1) + "\n"
			if w.before == "" {
				text, err := os.ReadFile(filepath.Join(dir, w.file))
				if err != nil {
					t.Fatal(err)
				}
				put(t, dir, w.file, string(text)+code)
			} else {
				change(t, dir, w.file, w.before, code+w.before)
			}
			put(t, dir, "tests/bye.json", `{"method": "bye", "params": ["Ada"], "result": ["Bye, Ada"]}`)
			if stdout, stderr, code := a.cli("validate", dir); code != 0 || strings.Contains(stderr, "note:") {
				t.Fatalf("validate: exit code %d\n%s%s", code, stdout, stderr)
			}
			out := a.do(append([]string{"test", dir, "--"}, w.test...)...)
			if strings.Count(out, "ok    tests/") != 5 {
				t.Errorf("the example calls:\n%s", out)
			}

			v := a.registerDir(dir, "-tag", service.Release)
			if got := inOneLine(a.do("call", name+"@0.1.0", "bye", "-p", "name=Ada")); got != `[ "Bye, Ada" ]` {
				t.Errorf("bye gave %s", got)
			}
			if got := inOneLine(a.do("call", name+"@"+string(v.ID), "hello", "-p", "name=Ada", "-p", "greeting=Ahoy")); got != `[ "Ahoy, Ada" ]` {
				t.Errorf("hello gave %s", got)
			}
		})
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, dir, name, before, after string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !strings.Contains(string(text), before) {
		t.Fatalf("%s has no %q (%v)", name, before, err)
	}
	put(t, dir, name, strings.Replace(string(text), before, after, 1))
}

// TestVersionsSideBySide calls two versions of a module at the same time, by
// tag, by semver, by range and by commit.
func TestVersionsSideBySide(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	dir := filepath.Join(t.TempDir(), "module")
	a.do("init", "Sides", "-lang", "python", "-o", dir)
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=ada", "-c", "user.email=ada@example.org"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	refs := map[string]string{}                                                        // -> version
	for tag, version := range map[string]string{"release": "1.0.0", "beta": "1.1.0"} { // in any order
		text, err := os.ReadFile(filepath.Join(dir, "module.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "module.hcl", versionLine.ReplaceAllString(string(text), fmt.Sprintf("version     = %q", version)))
		git("add", "-A")
		git("commit", "-q", "-m", version)
		commit := git("rev-parse", "HEAD")
		v := a.registerDir(dir, "-tag", tag)
		if v.Commit != commit {
			t.Errorf("%s has the commit %q, want %s", version, v.Commit, commit)
		}
		for _, ref := range []string{tag, version, "~" + strings.TrimSuffix(version, ".0"), commit[:10], commit, string(v.ID)} {
			refs["@"+ref] = version
		}
	}
	refs[""], refs["@^1"], refs["@<1.1"] = "1.0.0", "1.1.0", "1.0.0"

	t.Run("at once", func(t *testing.T) {
		for ref, want := range refs {
			t.Run(ref, func(t *testing.T) {
				t.Parallel()
				var got []struct{ Version string }
				out := a.do("call", "Sides"+ref, "status")
				if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 1 || got[0].Version != want {
					t.Errorf("Sides%s answers as %s (%v), want %s", ref, inOneLine(out), err, want)
				}
			})
		}
	})
}

var versionLine = regexp.MustCompile(`version +=.*`)
