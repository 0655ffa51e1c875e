package kidl_test

import (
	"io"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
)

// large is a source of some hundred kilobytes as people write them: documented
// structures, annotations, functions with several parameters.
func large() []byte {
	a := newAuthor(7)
	a.b.WriteString("/* A large module. */\nmodule Large {\n")
	for range 1500 {
		name := a.name()
		a.b.WriteString("\n    /*\n        Says what " + name + " is for, as people do: in two or three\n        lines of prose, sometimes with an annotation.\n        @optional second\n    */\n")
		a.b.WriteString("    typedef structure {\n        string first;\n        list<mapping<string, int>> second;\n        tuple<int start, string strand, float score> third;\n    } " + name + ";\n")
		a.b.WriteString("\n    /* Does something with it. */\n    funcdef use_" + name + "(" + name + " params, string workspace)\n        returns (list<" + name + "> results) authentication required;\n")
	}
	a.b.WriteString("};\n")
	return []byte(a.b.String())
}

func BenchmarkParse(b *testing.B) {
	src := large()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kidl.Parse("large.spec", src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad parses, checks and makes the model.
func BenchmarkLoad(b *testing.B) {
	src := large()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kidl.LoadSource(nil, "large.spec", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	src := large()
	f, err := kidl.Parse("large.spec", src)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if err := f.Print(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFitParams checks the parameters of a call of about 1 MB.
func BenchmarkFitParams(b *testing.B) {
	model, err := kidl.LoadSource(nil, "x.spec", []byte(fitting))
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(`[{"i":1,"l":[0`)
	for len(text) < 1<<19 {
		text = append(text, ",1.5,-2e10"...)
	}
	text = append(text, `],"b":1},{"k":[1,{"i":1,"l":[],"b":0}]`...)
	for len(text) < 1<<20 {
		text = append(text, `,"k":[1,{"i":1,"l":[1,2,3],"b":true,"o":"some text","more":{}}]`...)
	}
	text = append(text, `},3,null]`...)
	fn := model.Modules[0].Functions[0]
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if wrong := fn.FitParams(text, 1); len(wrong) > 0 {
			b.Fatal(wrong)
		}
	}
}
