package examples_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/examples"
)

func TestExamplesAreSoundModules(t *testing.T) {
	for _, e := range examples.All() {
		v, notices, err := catalog.ReadManifest(e.Files, catalog.StandardDefaults())
		if err != nil || len(notices) > 0 {
			t.Errorf("%s: %v, notices %q", e.Name, err, notices)
		}
		if v.Run.Command == "" {
			t.Errorf("%s cannot run without a cluster", e.Name)
		}
		built, err := catalog.Digest(e.Files)
		if err != nil {
			t.Fatal(err)
		}
		if folder, err := catalog.Digest(os.DirFS(e.Name)); err != nil || folder != built {
			t.Errorf("%s: the folder has the digest %s (%v), the binary %s", e.Name, folder, err, built)
		}
	}
}

// The Python example brings its own tests.
func TestFilterContigs(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is not installed; the example is a Python program: apt-get install python3")
	}
	cmd := exec.CommandContext(t.Context(), python, "-m", "unittest")
	cmd.Dir = "filtercontigs"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
