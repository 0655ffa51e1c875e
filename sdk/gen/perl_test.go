package gen_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

// TestPerlClient drives the client of Everything.
func TestPerlClient(t *testing.T) {
	t.Parallel()
	perl := interpreter(t, "perl")
	dir := client(t, everything, gen.Perl)
	driver, err := filepath.Abs("testdata/drivers/drive.pl")
	if err != nil {
		t.Fatal(err)
	}
	drive(t, dir, nil, perl, "-I"+filepath.Join(dir, "Everything-Client", "lib"), driver)
}

// TestPerlLocally runs what needs no server: arguments that do not fit, numbers
// that must not lose digits, and errors that say where they come from.
func TestPerlLocally(t *testing.T) {
	t.Parallel()
	perl := interpreter(t, "perl")
	dir := client(t, everything, gen.Perl)
	driver, err := filepath.Abs("testdata/drivers/local.pl")
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, nil, perl, "-I"+filepath.Join(dir, "Everything-Client", "lib"), driver)
}

// TestPerlIsClean lets Perl and podchecker read every client, with all warnings,
// and installs one as a distribution is installed.
func TestPerlIsClean(t *testing.T) {
	t.Parallel()
	perl, podchecker := interpreter(t, "perl"), interpreter(t, "podchecker")
	for _, name := range cases(t) {
		dir := client(t, name, gen.Perl)
		var lib string
		for _, path := range filesOf(t, dir, ".pm") {
			if lib == "" {
				lib = path[:strings.LastIndex(path, "/lib/")+len("/lib")]
			}
			command(t, dir, nil, perl, "-I"+lib, "-Mwarnings=FATAL,all", "-c", path)
			if pod(t, path) {
				command(t, dir, nil, podchecker, "-warnings", path)
			}
		}
		command(t, filepath.Dir(lib), nil, perl, "Makefile.PL", "INSTALL_BASE="+filepath.Join(dir, "installed"))
	}
}

// pod reports whether a module has documentation; those of the runtime have not.
func pod(t *testing.T, path string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "\n=head1 ")
}

// filesOf lists the files below a folder whose names end so.
func filesOf(t *testing.T, dir, ending string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ending) {
			all = append(all, path)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("files *%s in %s: %d, %v", ending, dir, len(all), err)
	}
	return all
}

// TestEverySpecPerl lets Perl and podchecker read the clients of all interfaces.
func TestEverySpecPerl(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.Perl})
	perl, podchecker := interpreter(t, "perl"), interpreter(t, "podchecker")
	for _, name := range packages {
		lib := filepath.Join(dir, name, "lib")
		for _, path := range filesOf(t, lib, ".pm") {
			if !pod(t, path) {
				continue // the runtime, which is the same for all
			}
			command(t, dir, nil, perl, "-I"+lib, "-Mwarnings=FATAL,all", "-c", path)
			command(t, dir, nil, podchecker, "-warnings", path)
		}
	}
}
