package gen_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

// goModule makes a folder a Go module that needs nothing but the standard library.
func goModule(t *testing.T, dir, name string) {
	t.Helper()
	text := "module " + name + "\n\ngo 1.26\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// place copies a file of testdata/drivers into a folder.
func place(t *testing.T, dir, driver string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "drivers", filepath.FromSlash(driver)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(driver)), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGo(t *testing.T) {
	t.Parallel()
	dir := client(t, everything, gen.Go)
	goModule(t, dir, "driver")
	place(t, dir, "go/main.go")
	tool := interpreter(t, "go")
	command(t, dir, nil, tool, "vet", "./...")
	command(t, dir, nil, tool, "build", "-race", "-o", "driver", ".")
	drive(t, dir, nil, filepath.Join(dir, "driver"))
}
