package gen_test

import (
	"path/filepath"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

// installed installs the client of a case as an R package and returns the library.
func installed(t *testing.T, name string) string {
	t.Helper()
	r := interpreter(t, "R")
	library := t.TempDir()
	descriptions := filesOf(t, client(t, name, gen.R), "DESCRIPTION")
	command(t, library, nil, r, "CMD", "INSTALL", "--no-byte-compile", "--no-test-load", "--library="+library, filepath.Dir(descriptions[0]))
	return library
}

func driver(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("testdata/drivers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRClient drives the client of Everything, and does with it what needs no
// server. The locale is not one of UTF-8, as on servers.
func TestRClient(t *testing.T) {
	t.Parallel()
	library := installed(t, everything)
	rscript := interpreter(t, "Rscript")
	env := []string{"R_LIBS=" + library, "LC_ALL=C"}
	command(t, library, env, rscript, driver(t, "local.R"))
	t.Run("drive", func(t *testing.T) {
		drive(t, library, nil, "env", append(env, rscript, driver(t, "drive.R"))...)
	})
}

// TestRIsClean installs the other clients, has R check their help pages, and lets
// it look for what is not defined.
func TestRIsClean(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		library := installed(t, name)
		command(t, library, nil, interpreter(t, "Rscript"), driver(t, "check.R"), library, client(t, name, gen.R))
	}
}

// TestEverySpecR runs the code of the clients of all interfaces and checks their
// help pages.
func TestEverySpecR(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.R})
	command(t, dir, nil, interpreter(t, "Rscript"), append([]string{driver(t, "source.R")}, packages...)...)
}
