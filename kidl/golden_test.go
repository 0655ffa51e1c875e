package kidl_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file, or rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func cases(t *testing.T, sort string) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/" + sort + "/*")
	if err != nil || len(all) == 0 {
		t.Fatalf("no cases of sort %s: %v", sort, err)
	}
	return all
}

// TestGood holds the model, the OpenAPI document and the printed form of
// sources in order.
func TestGood(t *testing.T) {
	for _, dir := range cases(t, "good") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := kidl.Load(os.DirFS(dir), "main.spec")
			if err != nil {
				t.Fatal(err)
			}
			throughJSON(t, m)
			golden(t, dir+"/model.json", indented(t, m))
			var docs []any
			for _, mod := range m.Modules {
				docs = append(docs, mod.OpenAPI(kidl.OpenAPIOptions{Version: "1.2.3", Servers: []string{"https://example.org/svc/" + mod.Name}}))
			}
			golden(t, dir+"/openapi.json", indented(t, docs))
			src, err := os.ReadFile(dir + "/main.spec")
			if err != nil {
				t.Fatal(err)
			}
			f, err := kidl.Parse("main.spec", src)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, dir+"/printed.txt", printed(t, f))
		})
	}
}

// TestBad holds all faults of faulty sources.
func TestBad(t *testing.T) {
	for _, dir := range cases(t, "bad") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := kidl.Load(os.DirFS(dir), "main.spec")
			if err == nil {
				t.Fatal("no faults")
			}
			if m == nil {
				t.Fatal("no model beside the faults")
			}
			golden(t, dir+"/faults.txt", append([]byte(err.Error()), '\n'))
		})
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
