package gen_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

// strict are the strictest ways of the TypeScript compiler.
var strict = []string{
	"--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noPropertyAccessFromIndexSignature",
	"--noImplicitOverride", "--noUnusedLocals", "--noUnusedParameters", "--noImplicitReturns", "--noFallthroughCasesInSwitch",
	"--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom",
}

var installing sync.Mutex

// compiler is the TypeScript compiler that testdata/package.json pins, as an
// argument for node. It is installed once into the cache of scripts/tools.
func compiler(t *testing.T) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	cache := os.Getenv("DYNSVC_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "dynsvc")
	}
	lock, err := os.ReadFile("testdata/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "typescript")
	tsc := filepath.Join(dir, "node_modules", "typescript", "bin", "tsc")
	have, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if _, missing := os.Stat(tsc); err == nil && missing == nil && string(have) == string(lock) {
		return tsc
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, nil, interpreter(t, "npm"), "ci", "--no-audit", "--no-fund")
	return tsc
}

// ecmaModule says that the files of a folder are modules, unless that is said.
func ecmaModule(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "package.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := os.WriteFile(path, []byte(`{"type": "module"}`), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTypeScript(t *testing.T) {
	t.Parallel()
	node, tsc := interpreter(t, "node"), compiler(t)
	dir := client(t, everything, gen.TypeScript)
	place(t, dir, "typescript/driver.ts")
	ecmaModule(t, dir)
	command(t, dir, nil, node, append(append([]string{tsc}, strict...), "driver.ts")...)
	// Without types at run time, a wrong one is not seen.
	drive(t, dir, []string{"liar"}, node, "driver.js")
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	node, tsc := interpreter(t, "node"), compiler(t)
	dir := client(t, everything, gen.JavaScript)
	place(t, dir, "javascript/driver.js")
	ecmaModule(t, dir)
	types := "declare const process: { env: { [name: string]: string | undefined } };\n"
	if err := os.WriteFile(filepath.Join(dir, "node.d.ts"), []byte(types), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{tsc}, strict...)
	command(t, dir, nil, node, append(args, "--allowJs", "--checkJs", "--noEmit", "node.d.ts", "driver.js")...)
	drive(t, dir, []string{"liar"}, node, "driver.js")
}
