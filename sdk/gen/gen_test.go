package gen_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/google/go-cmp/cmp"
)

func TestGenerateRefuses(t *testing.T) {
	model, _ := caseOf(t, "filtercontigs")
	two, err := kidl.LoadSource(nil, "two.spec", []byte("module A { }; module B { funcdef a-b() returns (); };"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		model   *kidl.Model
		options gen.Options
		want    string
	}{
		{"no language", model, gen.Options{}, `generate a client in "": not offered: there are go, java, javascript, perl, python, r, typescript`},
		{"no server", model, gen.Options{Language: gen.R, Kind: gen.Server}, `not offered: there are go, javascript, python`},
		{"no kind", model, gen.Options{Language: gen.R, Kind: "x"}, `not offered`},
		{"no module", model, gen.Options{Language: gen.Go, Module: "x"}, "FilterContigs.spec has no module x: there are FilterContigs"},
		{"two modules", two, gen.Options{Language: gen.Go}, "two.spec has 2 modules, name one of them: A, B"},
		{"not servable", two, gen.Options{Language: gen.Python, Kind: gen.Server, Module: "B"}, "the function a-b cannot be served"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := gen.Generate(c.model, c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := gen.Generate(model, gen.Options{Language: "cobol"}); !errors.Is(err, gen.ErrUnknown) {
		t.Errorf("error %v, want ErrUnknown", err)
	}
}

// TestMissing takes the author's file of one interface and asks what another
// with one function more wants.
func TestMissing(t *testing.T) {
	const before = "module M { typedef tuple<int, int> t; funcdef import(int x) returns (t); funcdef status() returns (int); funcdef other() returns (); };"
	after := strings.Replace(before, "funcdef other", "funcdef get_more(t x) returns (int, string); funcdef other", 1)
	load := func(source string) *kidl.Model {
		model, err := kidl.LoadSource(nil, "m.spec", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		return model
	}
	for language, want := range map[gen.Language]gen.Stub{
		gen.Go: {
			Function: "get_more", Method: "GetMore",
			Code: "// GetMore is M.get_more.\nfunc (*mModule) GetMore(ctx context.Context, x T) (GetMoreResults, error) {\n" +
				"\tvar result GetMoreResults\n\treturn result, sdk.Errorf(\"get_more is not written yet\")\n}",
		},
		gen.Python: {
			Function: "get_more", Method: "get_more",
			Code: "    def get_more(self, ctx: dynsvc.Context, x: interface.t) -> interface.GetMoreResults:\n" +
				"        \"\"\"M.get_more.\"\"\"\n        raise dynsvc.CallError(\"get_more is not written yet\")",
		},
		gen.JavaScript: {
			Function: "get_more", Method: "getMore",
			Code: "  /** M.get_more. */\n  async getMore(ctx, x) {\n    throw new CallError(\"get_more is not written yet\");\n  },",
		},
	} {
		t.Run(string(language), func(t *testing.T) {
			o := gen.Options{Language: language, Kind: gen.Server}
			files, err := gen.Generate(load(before), o)
			if err != nil {
				t.Fatal(err)
			}
			newer, err := gen.Generate(load(after), o)
			if err != nil {
				t.Fatal(err)
			}
			folder := fstest.MapFS{}
			for _, f := range newer { // overwritten, and no witness
				folder[f.Path] = &fstest.MapFile{Data: f.Content}
				folder["node_modules/x/"+f.Path] = &fstest.MapFile{Data: f.Content}
			}
			for _, f := range files {
				if f.Keep {
					folder[f.Path] = &fstest.MapFile{Data: f.Content}
				}
			}
			for source, want := range map[string][]gen.Stub{before: nil, after: {want}} {
				got, err := gen.Missing(load(source), o, folder)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("missing (-want +got):\n%s", diff)
				}
			}
		})
	}
}
