package kidl_test

import (
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
)

func TestFitParams(t *testing.T) {
	model, err := kidl.LoadSource(nil, "x.spec", []byte(fitting))
	if err != nil {
		t.Fatal(err)
	}
	f, ok := model.Function("M.f")
	if !ok {
		t.Fatal("no function M.f")
	}
	const s = `{"i":1,"l":[],"b":0}`
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"everything in order", `[` + s + `,{"k":[1,` + s + `]},10,{"any":["thing"]}]`, nil},
		{"null for any value", `[null,{"k":null},null,null]`, nil},
		{"null inside", `[{"i":null,"l":[null],"b":null,"o":null},{"k":[null,null]},1,null]`, nil},
		{"members that the structure does not know", `[{"x":{},"i":1,"l":[],"b":0},{},1,1]`, nil},
		{"integers as other languages write them", `[{"i":1.0,"l":[1,1.5,1e400],"b":1},{},1e0,1]`, nil},
		{"booleans where the convention is", `[{"i":1,"l":[],"b":true},{},1,1]`, nil},
		{"booleans elsewhere", `[{"i":true,"l":[],"b":0},{},1,1]`, []string{"$[0].i: expected an integer, found true"}},
		{"keys with escapes", `[{"\u0069":"x","l":[],"b":0},{"k\n\"":[1]},1,1]`, []string{
			`$[0].i: expected an integer, found the string "x"`,
			`$[1]["k\n\""]: expected a tuple of 2 elements (a, s), found 1`,
		}},
		{"fractions", `[{"i":1.5,"l":["1"],"b":0},{},1,1]`, []string{
			"$[0].i: expected an integer, found 1.5", `$[0].l[0]: expected a number, found the string "1"`,
		}},
		{"what is missing", `[{"l":[]},{},1,1]`, []string{
			"$[0].i: is missing: field i of M.S is not @optional", "$[0].b: is missing: field b of M.S is not @optional",
		}},
		{"deep inside", `[` + s + `,{"k":[1,{"i":1,"l":[1,[2]],"b":0}]},1,1]`, []string{"$[1].k[1].l[1]: expected a number, found an array"}},
		{"range", `[` + s + `,{},0,1]`, []string{"$[2]: expected a number in (0,10], found 0"}},
		{"range from above", `[` + s + `,{},1e30,1]`, []string{"$[2]: expected a number in (0,10], found 1e30"}},
		{"too few", `[` + s + `]`, []string{"$: expected 4 parameters (s, m, n, u), found 1"}},
		{"too many", `[1,2,3,4,5]`, []string{"$: expected 4 parameters (s, m, n, u), found 5"}},
		{"an object of parameters", `{"s":1}`, []string{"$: expected an array of 4 parameters, found an object"}},
		{"other kinds", `[[],[],"1","x"]`, []string{
			"$[0]: expected an object, found an array", "$[1]: expected an object, found an array", `$[2]: expected an integer, found the string "1"`,
		}},
		{"no JSON", `[1,`, []string{"$: is no JSON: unexpected end of JSON input"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range f.FitParams([]byte(tt.in), 0) {
				got = append(got, m.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("misfits (-want +got):\n%s", diff)
			}
			blank := strings.NewReplacer("[", " [\n", "]", "\t] ", ",", " , ", ":", " : ").Replace(tt.in)
			if !strings.Contains(tt.in, `\`) && len(f.FitParams([]byte(blank), 0)) != len(tt.want) {
				t.Errorf("with white space: %v", f.FitParams([]byte(blank), 0))
			}
			if one := f.FitParams([]byte(tt.in), 1); len(one) != min(1, len(tt.want)) || len(one) == 1 && one[0].String() != tt.want[0] {
				t.Errorf("first misfit: %v", one)
			}
		})
	}
}

func TestFitWithoutParameters(t *testing.T) {
	model, err := kidl.LoadSource(nil, "x.spec", []byte("module M { funcdef f() returns (); funcdef g() returns (int); };"))
	if err != nil {
		t.Fatal(err)
	}
	f, g := model.Modules[0].Functions[0], model.Modules[0].Functions[1]
	for _, in := range []string{"", "[]", " [ ] ", "null"} {
		if wrong := f.FitParams([]byte(in), 0); len(wrong) > 0 {
			t.Errorf("params %q: %v", in, wrong)
		}
	}
	if wrong := f.FitParams([]byte("[{}]"), 0); wrong.String() != "$: expected no parameters, found 1" {
		t.Errorf("one too many: %v", wrong)
	}
	if wrong := f.FitResult([]byte("null"), 0); len(wrong) > 0 {
		t.Errorf("no result: %v", wrong)
	}
	if wrong := g.FitResult([]byte(`["x"]`), 0); wrong.String() != `$[0]: expected an integer, found the string "x"` {
		t.Errorf("wrong result: %v", wrong)
	}
}

// TestFitManyFields uses a structure that has more fields than a word has bits.
func TestFitManyFields(t *testing.T) {
	var src, value strings.Builder
	src.WriteString("module M { typedef structure { ")
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		for _, d := range "xyz" {
			src.WriteString("int " + string(c) + string(d) + "; ")
			if c != 'm' {
				value.WriteString(`,"` + string(c) + string(d) + `":1`)
			}
		}
	}
	src.WriteString("} T; };")
	model, err := kidl.LoadSource(nil, "x.spec", []byte(src.String()))
	if err != nil {
		t.Fatal(err)
	}
	wrong := model.Modules[0].Types[0].Type.Fit([]byte("{"+value.String()[1:]+"}"), 0)
	if len(wrong) != 3 || wrong[0].Path != "$.mx" || wrong[2].Path != "$.mz" {
		t.Errorf("misfits %v, want mx, my and mz missing", wrong)
	}
}
