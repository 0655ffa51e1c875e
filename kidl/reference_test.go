package kidl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
)

// oracle is what KBase's own compiler made of a source.
type oracle struct {
	OK      bool           `json:"ok"`
	Error   string         `json:"error"`
	Modules []oracleModule `json:"modules"`
}

type oracleModule struct {
	Service   string           `json:"service"`
	Module    string           `json:"module"`
	Doc       string           `json:"doc"`
	Typedefs  []oracleTypedef  `json:"typedefs"`
	Functions []oracleFunction `json:"functions"`
}

type oracleTypedef struct {
	Name        string         `json:"name"`
	Type        string         `json:"type"`
	Doc         string         `json:"doc"`
	Annotations map[string]any `json:"annotations"`
}

type oracleFunction struct {
	Name           string         `json:"name"`
	Authentication string         `json:"authentication"`
	Async          bool           `json:"async"`
	Params         []oracleParam  `json:"params"`
	Returns        []oracleParam  `json:"returns"`
	ClientArgs     string         `json:"client_args"`
	Doc            string         `json:"doc"`
	Annotations    map[string]any `json:"annotations"`
}

type oracleParam struct {
	Name *string `json:"name"`
	Type string  `json:"type"`
}

var (
	oraclePosition = regexp.MustCompile(`at line (\d+), column (\d+)`)
	oracleNames    = regexp.MustCompile(`(?:Can not find (?:type|module|included spec-file): (?:\w+\.)?|annotation in structure: \[|^.*: (?:Type|Function) )([\w.]+)`)
)

// TestReference holds what we make of each source against what KBase's compiler
// makes of it: whether it is accepted, the modules, and where the first fault is.
func TestReference(t *testing.T) {
	specs, err := filepath.Glob("testdata/reference/*.spec")
	if err != nil || len(specs) != 69 {
		t.Fatalf("found %d sources, want 69: %v", len(specs), err)
	}
	for _, spec := range specs {
		t.Run(strings.TrimSuffix(filepath.Base(spec), ".spec"), func(t *testing.T) {
			var want oracle
			text, err := os.ReadFile(strings.TrimSuffix(spec, ".spec") + ".oracle.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			model, err := kidl.Load(os.DirFS("testdata/reference"), filepath.Base(spec))
			if (err == nil) != want.OK {
				t.Fatalf("accepted: %v (%v), want %v (%s)", err == nil, err, want.OK, want.Error)
			}
			if err == nil {
				if diff := cmp.Diff(want.Modules, asOracle(t, model)); diff != "" {
					t.Errorf("modules (-reference +ours):\n%s", diff)
				}
				return
			}
			var faults kidl.Faults
			if !errors.As(err, &faults) {
				t.Fatal(err)
			}
			first := faults[0]
			if at := oraclePosition.FindStringSubmatch(want.Error); at != nil {
				if got, place := fmt.Sprintf("%d:%d", first.Line, first.Col), at[1]+":"+at[2]; got != place {
					t.Errorf("first fault is at %s (%v), the reference says %s: %s", got, err, place, want.Error)
				}
			}
			if name := oracleNames.FindStringSubmatch(want.Error); name != nil && !strings.Contains(first.Message, name[1]) {
				t.Errorf("fault %q does not name %s", first.Message, name[1])
			}
		})
	}
}

// asOracle writes a model in the oracle's words.
func asOracle(t *testing.T, m *kidl.Model) []oracleModule {
	t.Helper()
	all := []oracleModule{}
	for _, mod := range m.Modules {
		o := oracleModule{Service: mod.Service, Module: mod.Name, Doc: mod.Doc, Typedefs: []oracleTypedef{}, Functions: []oracleFunction{}}
		for _, d := range mod.Types {
			o.Typedefs = append(o.Typedefs, oracleTypedef{d.Name, d.Type.String(), d.Doc, oracleAnnotations(t, d.Annotations)})
		}
		for _, f := range mod.Functions {
			var args []string
			for _, p := range f.Parameters {
				args = append(args, p.Name)
			}
			o.Functions = append(o.Functions, oracleFunction{
				Name: f.Name, Authentication: f.Authentication, Async: f.Async, Params: oracleParams(f.Parameters), Returns: oracleParams(f.Results),
				ClientArgs: strings.Join(args, ", "), Doc: f.Doc, Annotations: oracleAnnotations(t, f.Annotations),
			})
		}
		all = append(all, o)
	}
	return all
}

func oracleParams(list []kidl.Parameter) []oracleParam {
	all := []oracleParam{}
	for _, p := range list {
		o := oracleParam{Type: p.Type.String()}
		if p.Declared != "" {
			o.Name = &p.Declared
		}
		all = append(all, o)
	}
	return all
}

func oracleAnnotations(t *testing.T, a kidl.Annotations) map[string]any {
	t.Helper()
	all := map[string]any{}
	if a.Optional != nil {
		all["optional"] = a.Optional
	}
	if a.ID != nil {
		all["id"] = []any{a.ID.Type, a.ID.Attributes}
	}
	if a.Range != nil {
		all["range"] = true
	}
	if d := a.Deprecated; d != nil {
		all["deprecated"] = nil
		if d.Replacement != "" {
			all["deprecated"] = d.Replacement
		}
	}
	if a.Unknown != nil {
		all["unknown"] = a.Unknown
	}
	text, err := json.Marshal(all) // so that slices and maps have the types of decoded JSON
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}
