//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

const everything = "../sdk/gen/testdata/everything"

// TestSevenClientsCallOneService has the generated client of every language call
// the same service on the cluster, with all types of the interface language, as
// plain calls and as jobs: they get the same results, and the same error.
func TestSevenClientsCallOneService(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	dir := t.TempDir()
	copyFiles(t, dir, everything+"/Everything.spec", everything+"/Common.spec", everything+"/out/python-server/interface.py",
		"../sdk/gen/testdata/drivers/served/server.py")
	if err := os.CopyFS(filepath.Join(dir, "dynsvc"), os.DirFS("../sdk/python/dynsvc")); err != nil {
		t.Fatal(err)
	}
	m := module{name: "Everything", run: `command = "` + interpreter(t, "python3") + "\"\n args = [\"server.py\"]", scale: `idle_after = "10m"`,
		resources: "cpu = 200\n memory = 256\n disk = 50",
		more:      "method \"count\" {\n mode = \"both\"\n }"}
	manifest := strings.Replace(m.manifest(), "version =", "interface = \"Everything.spec\"\n  version =", 1)
	if err := os.WriteFile(filepath.Join(dir, "module.hcl"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	a.registerDir(dir, "-tag", service.Release)
	a.do("call", "Everything", "count")

	// The clients' own tests compile and run them; told where, they call this service.
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^Test(Go|Python|TypeScript|JavaScript|JavaClient|PerlClient|RClient)$", "../sdk/gen")
	cmd.Env = append(os.Environ(), "DYNSVC_TEST_URL="+a.url)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if passed := strings.Count(out.String(), "\n--- PASS: Test"); passed != 7 {
		t.Errorf("%d clients passed, want 7:\n%s", passed, out.String())
	}
}

// copyFiles puts files into a folder by their names.
func copyFiles(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, from := range files {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// interpreter is the path of a program of Debian's that a module needs on its node.
func interpreter(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(filepath.Join("/usr/bin", name))
	if err != nil {
		t.Fatalf("%s is not installed: %v", name, err)
	}
	return path
}
