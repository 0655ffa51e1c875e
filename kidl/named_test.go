package kidl_test

import (
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
)

func TestFitNamedParams(t *testing.T) {
	model, err := kidl.LoadSource(nil, "x.spec", []byte(fitting))
	if err != nil {
		t.Fatal(err)
	}
	f, ok := model.Function("M.f")
	if !ok {
		t.Fatal("no function M.f")
	}
	const s, all = `{"i":1,"l":[],"b":0}`, "4 parameters (s, m, n, u)"
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"in any order", `{ "u" : [], "n": 1, "\u006d": {}, "s": ` + s + `}`, nil},
		{"null for any value", `{"s":null,"m":null,"n":null,"u":null}`, nil},
		{"inside", `{"s":{"i":"x","l":[],"b":0},"m":{},"n":0,"u":1}`, []string{
			`$.s.i: expected an integer, found the string "x"`, "$.n: expected a number in (0,10], found 0",
		}},
		{"missing", `{"s":` + s + `,"n":1}`, []string{"$.m: is missing: expected " + all, "$.u: is missing: expected " + all}},
		{"unknown", `{"s":` + s + `,"m":{},"n":1,"u":1,"a b":{}}`, []string{`$["a b"]: is no parameter: expected ` + all}},
		{"an array", `[1]`, []string{"$: expected an object of " + all + ", found an array"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range f.FitNamedParams([]byte(tt.in), 0) {
				got = append(got, m.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("misfits (-want +got):\n%s", diff)
			}
			if one := f.FitNamedParams([]byte(tt.in), 1); len(one) != min(1, len(tt.want)) || len(one) == 1 && one[0].String() != tt.want[0] {
				t.Errorf("first misfit: %v", one)
			}
		})
	}
}
