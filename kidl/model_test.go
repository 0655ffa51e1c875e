package kidl_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/kidl"
)

// TestModelFromJSON refuses models that nobody has written.
func TestModelFromJSON(t *testing.T) {
	types := func(list string) string { return `{"modules":[{"name":"A","types":[` + list + `],"functions":[]}]}` }
	for _, tt := range []struct{ name, in, want string }{
		{"no type", types(`{"module":"A","name":"x"}`), "a type of module A is null"},
		{"no such type", types(`{"module":"A","name":"x","type":{"kind":"typedef","name":"A.y"}}`), "A.x: type A.y is not in the model"},
		{"itself", types(`{"module":"A","name":"x","type":{"kind":"list","item":{"kind":"typedef","name":"A.x"}}}`), "A.x: type A.x refers to itself"},
		{"no kind", types(`{"module":"A","name":"x","type":{}}`), `kind of type "" is not known`},
		{"no item", types(`{"module":"A","name":"x","type":{"kind":"list"}}`), "a type is missing"},
		{"no module", `{"modules":[null]}`, "a module is null"},
		{"no function", `{"modules":[{"name":"A","types":[],"functions":[null]}]}`, "a function of module A is null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := json.Unmarshal([]byte(tt.in), &kidl.Model{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestLoadOfAMissingFile(t *testing.T) {
	_, err := kidl.Load(fstest.MapFS{}, "no.spec")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want one that is fs.ErrNotExist", err)
	}
}

// TestLoadInAFolder looks includes up beside the main file.
func TestLoadInAFolder(t *testing.T) {
	fsys := fstest.MapFS{
		"sdk/main.spec":  {Data: []byte("#include <types.spec>\n#include <../lib/more.spec>\nmodule M { funcdef f(Types.t, More.t) returns (); };")},
		"sdk/types.spec": {Data: []byte("module Types { typedef int t; };")},
		"lib/more.spec":  {Data: []byte("#include <types.spec>\nmodule More { typedef Types.t t; };")},
	}
	m, err := kidl.Load(fsys, "sdk/main.spec")
	if err != nil {
		t.Fatal(err)
	}
	f, ok := m.Function("M.f")
	if !ok || f.Parameters[1].Type.Base().Kind != kidl.Int {
		t.Errorf("M.f takes %v", f)
	}
	if d, ok := m.Typedef("More.t"); !ok || d.Type.Typedef().FullName() != "Types.t" {
		t.Errorf("More.t is %v", d)
	}
}

// TestReplacedModule keeps the types that were used before their module was replaced.
func TestReplacedModule(t *testing.T) {
	m, err := kidl.LoadSource(nil, "x.spec", []byte("module A { typedef int X; };\nmodule B { typedef A.X y; };\nmodule A { typedef B.y Z; };"))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Modules) != 2 || len(m.Warnings) != 1 || m.Warnings[0].Line != 3 {
		t.Errorf("%d modules, warnings %v", len(m.Modules), m.Warnings)
	}
	throughJSON(t, m)
}

// TestNames gives no two parameters the same name, whatever the author wrote.
func TestNames(t *testing.T) {
	m, err := kidl.LoadSource(nil, "x.spec", []byte("module A { typedef int T; funcdef f(int a_1, int a, int a, T, T T, int) returns (int, T x, int x); };"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, list := range [][]kidl.Parameter{m.Modules[0].Functions[0].Parameters, m.Modules[0].Functions[0].Results} {
		for _, p := range list {
			got = append(got, p.Name)
		}
	}
	if want := "a_1 a_2 a_3 T_1 T_2 arg_6 return_1 x_1 x_2"; strings.Join(got, " ") != want {
		t.Errorf("names %v, want %s", got, want)
	}
}

func TestProse(t *testing.T) {
	for _, tt := range []struct{ name, in, plain, prose string }{
		{"stars", "* One.\n* @optional x\n*   Two.", "One.\n@optional x\n  Two.", "One.\n@optional x\n  Two."},
		{"annotations", "One.\n@optional x\n  @id ws A.B\n@author me\nTwo @deprecated", "One.\n@optional x\n  @id ws A.B\n@author me\nTwo @deprecated", "One.\n@author me\nTwo @deprecated"},
		{"emphasis", "a * b\n** c", "a * b\n** c", "a * b\n** c"},
		{"nothing", "", "", ""},
	} {
		if got := kidl.PlainDoc(tt.in); got != tt.plain {
			t.Errorf("%s: plain %q, want %q", tt.name, got, tt.plain)
		}
		if got := kidl.Prose(tt.in); got != tt.prose {
			t.Errorf("%s: prose %q, want %q", tt.name, got, tt.prose)
		}
	}
}
