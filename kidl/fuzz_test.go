package kidl_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/kidl"
)

func seeds(f *testing.F) {
	f.Helper()
	specs, err := sources()
	if err != nil || len(specs) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, spec := range specs {
		src, err := os.ReadFile(spec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for seed := range uint64(20) {
		f.Add([]byte(newAuthor(seed).spec(5)))
	}
}

// FuzzParse reads anything, also as a file that includes itself: no panic,
// faults in order and inside the file, and what is accepted can be used.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		model, err := kidl.LoadSource(fstest.MapFS{"inc.spec": {Data: src}, "x.spec": {Data: src}}, "x.spec", src)
		var faults kidl.Faults
		if err != nil && !errors.As(err, &faults) {
			t.Fatalf("an error of type %T: %v", err, err)
		}
		for i, fault := range faults {
			if fault.Line < 1 || fault.Col < 0 || fault.File == "" || fault.Message == "" {
				t.Fatalf("fault without a place: %#v", fault)
			}
			if i > 0 && faults[i-1].File == fault.File && (faults[i-1].Line > fault.Line || faults[i-1].Line == fault.Line && faults[i-1].Col > fault.Col) {
				t.Fatalf("faults out of order: %v", faults)
			}
		}
		if _, perr := kidl.Parse("x.spec", src); perr != nil && err == nil {
			t.Fatalf("loaded, but does not parse: %v", perr)
		}
		if _, err := json.Marshal(model); err != nil {
			t.Fatal(err)
		}
		for _, mod := range model.Modules {
			if _, err := json.Marshal(mod.OpenAPI(kidl.OpenAPIOptions{})); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzPrint holds that printing is identity for whatever parses.
func FuzzPrint(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte) { checkPrint(t, src) })
}

// fitting has every kind of type.
const fitting = `module M {
	/* @range (0,10] */
	typedef int few;
	typedef int boolean;
	/* @optional o */
	typedef structure { int i; string o; list<float> l; boolean b; } S;
	typedef tuple<int a, S s> T;
	funcdef f(S s, mapping<string, T> m, few n, UnspecifiedObject u) returns ();
};`

// FuzzFit checks any text against types: no panic, and the first misfit is the
// same whether or not the rest is asked for.
func FuzzFit(f *testing.F) {
	model, err := kidl.LoadSource(nil, "x.spec", []byte(fitting))
	if err != nil {
		f.Fatal(err)
	}
	fn := model.Modules[0].Functions[0]
	f.Add([]byte(`[{"i":1,"l":[1,2.5],"b":true,"o":null},{"a":[1,{"i":2}]},3.0,{"x":[]}]`))
	f.Add([]byte(`[ null , { } , 1e1 , "A" ]`))
	f.Add([]byte(`[{"i":"x","l":[[]],"b":2},{"a":[1]},0,[]]`))
	f.Add([]byte(`{"s":{"i":"x"},"n":0,"x":[{}],"m":{"a":[1]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, one := fn.FitParams(text, 0), fn.FitParams(text, 1)
		if len(one) > 1 || len(all) > 0 != (len(one) == 1) || len(one) == 1 && one[0] != all[0] {
			t.Fatalf("all: %v, first: %v", all, one)
		}
		all, one = fn.FitNamedParams(text, 0), fn.FitNamedParams(text, 1)
		if len(one) > 1 || len(all) > 0 != (len(one) == 1) || len(one) == 1 && one[0] != all[0] {
			t.Fatalf("by name: all: %v, first: %v", all, one)
		}
	})
}
