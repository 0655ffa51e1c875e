//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// module is a folder to be registered. Each test names its own.
type module struct {
	name      string
	version   string            // empty: 1.0.0
	top       string            // further lines above the run block
	run       string            // lines of the run block
	resources string            // lines of the resources block; empty: little
	scale     string            // lines of the scale block
	more      string            // further blocks
	files     map[string]string // name in the folder -> file on this machine
}

func (m module) manifest() string {
	return fmt.Sprintf(`module %q {
  version = %q
  %s
  run {
    port = 5000
    %s
  }
  resources {
    %s
  }
  scale {
    %s
  }
  %s
}
`, m.name, cmp.Or(m.version, "1.0.0"), m.top, m.run, cmp.Or(m.resources, little), m.scale, m.more)
}

// little lets many instances have a place on one node.
const little = "cpu = 100\n memory = 64\n disk = 50"

// write makes the folder.
func (m module) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "module.hcl"), []byte(m.manifest()), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, from := range m.files {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// program is the echo program as files of the module, run by exec or raw_exec.
// run has further lines of the run block.
func program(name, run, scale string) module {
	return module{name: name, run: "command = \"echo-service\"\n" + run, scale: scale, files: map[string]string{"echo-service": echo}}
}

// container is the echo program as an image in the registry.
func container(t *testing.T, name, run, scale string) module {
	t.Helper()
	return module{name: name, run: fmt.Sprintf("image = %q\n", echoImage(t)) + run, scale: scale}
}

var pushEcho = sync.OnceValues(func() (string, error) {
	return servers.BuildImage(context.Background(), cluster.Image{
		Name: "echo:1.0.0", Files: map[string]string{"/echo": echo}, Entrypoint: []string{"/echo"}, Port: 5000})
})

func echoImage(t *testing.T) string {
	t.Helper()
	ref, err := pushEcho()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
