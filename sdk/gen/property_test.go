package gen_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
)

// everySpec generates for every module of every interface that this package and
// package kidl are tested with and that is right. Each has a folder of its own in
// dir; packages are those that the files are in.
func everySpec(t *testing.T, o gen.Options) (dir string, packages []string) {
	t.Helper()
	var specs []string
	for _, pattern := range []string{
		"../../kidl/testdata/reference/*.spec", "../../kidl/testdata/good/*/*.spec", "testdata/*/*.spec",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no interfaces in %s: %v", pattern, err)
		}
		specs = append(specs, found...)
	}
	dir = t.TempDir()
	for i, spec := range specs {
		model, err := kidl.Load(os.DirFS(filepath.Dir(spec)), filepath.Base(spec))
		if err != nil {
			continue
		}
		for k, module := range model.Modules {
			if found, ok := model.Module(module.Name); !ok || found != module {
				continue // the first of one name
			}
			o.Module = module.Name
			name := fmt.Sprintf("s%dm%d", i+1, k+1)
			files := generate(t, model, o)
			write(t, filepath.Join(dir, name), files)
			folder, _, within := strings.Cut(files[0].Path, "/")
			if !within {
				folder = ""
			}
			packages = append(packages, path.Join(name, folder))
		}
	}
	if len(packages) < 30 {
		t.Fatalf("only %d modules were generated", len(packages))
	}
	return dir, packages
}

func TestEverySpecGo(t *testing.T) {
	t.Parallel()
	dir, _ := everySpec(t, gen.Options{Language: gen.Go})
	goModule(t, dir, "all")
	command(t, dir, nil, interpreter(t, "go"), "vet", "./...")
}

func TestEverySpecPython(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.Python})
	python := interpreter(t, "python3")
	command(t, dir, nil, python, "-W", "error", "-m", "compileall", "-q", ".")
	// Types are made when a module is imported.
	var program strings.Builder
	for _, name := range packages {
		fmt.Fprintf(&program, "import %s\n", strings.ReplaceAll(name, "/", "."))
	}
	command(t, dir, nil, python, "-W", "error", "-c", program.String())
}

func TestEverySpecTypeScript(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.TypeScript})
	ecmaModule(t, dir)
	args := append(append([]string{compiler(t)}, strict...), "--noEmit")
	for _, name := range packages {
		args = append(args, name+"/index.ts")
	}
	command(t, dir, nil, interpreter(t, "node"), args...)
}

func TestEverySpecJavaScript(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.JavaScript})
	ecmaModule(t, dir)
	args := append(append([]string{compiler(t)}, strict...), "--allowJs", "--checkJs", "--noEmit")
	var program strings.Builder
	for _, name := range packages {
		args = append(args, name+"/index.js")
		fmt.Fprintf(&program, "await import(%q);\n", "./"+name+"/index.js")
	}
	command(t, dir, nil, interpreter(t, "node"), args...)
	command(t, dir, nil, interpreter(t, "node"), "--input-type=module", "-e", program.String())
}

func TestEverySpecServed(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		dir, _ := everySpec(t, gen.Options{Language: gen.Go, Kind: gen.Server})
		withGoRuntime(t, dir)
		command(t, dir, nil, interpreter(t, "go"), "vet", "-mod=mod", "./...")
	})
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		dir, packages := everySpec(t, gen.Options{Language: gen.Python, Kind: gen.Server})
		for _, name := range packages {
			command(t, filepath.Join(dir, name), []string{withPythonRuntime(t)}, interpreter(t, "python3"), "-W", "error", "-c", "import server")
		}
	})
	t.Run("javascript", func(t *testing.T) {
		t.Parallel()
		dir, packages := everySpec(t, gen.Options{Language: gen.JavaScript, Kind: gen.Server})
		withJavaScriptRuntime(t, dir)
		var program strings.Builder
		for _, name := range packages {
			fmt.Fprintf(&program, "await import(%q);\n", "./"+name+"/server.js")
		}
		command(t, dir, nil, interpreter(t, "node"), "--input-type=module", "-e", program.String())
	})
}
