package kidl_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
)

// author writes random valid sources in random layout.
type author struct {
	*rand.Rand
	b     strings.Builder
	types []string // that may be used, with their modules
	fresh int
}

func (a *author) one(words ...string) string { return words[a.IntN(len(words))] }

// put writes words with white space and comments between them.
func (a *author) put(words ...string) {
	for _, w := range words {
		a.b.WriteString(w)
		switch a.IntN(12) {
		case 0:
			a.b.WriteString("\n\t")
		case 1:
			a.b.WriteString(a.one(" /* an aside */ ", "\n/* two\n   lines */\n", "/**/", "/** starred\n * é\t@optional x\n **/", "\r\n/* cr\r\n lf */\r"))
		case 2:
			a.b.WriteString("\n\n")
		default:
			a.b.WriteString(" ")
		}
	}
}

func (a *author) name() string {
	a.fresh++
	return a.one("a", "Type", "x_y", "with-dash", "dollar$", "B2") + fmt.Sprint(a.fresh)
}

func (a *author) typ(depth int) {
	n := a.IntN(9)
	if depth > 4 {
		n = a.IntN(5)
	}
	switch {
	case n == 5:
		a.put("list", "<")
		a.typ(depth + 1)
		a.put(">")
	case n == 6:
		a.put("mapping", "<")
		a.typ(depth + 1)
		if a.IntN(2) == 0 {
			a.put(a.name())
		}
		a.put(",")
		a.typ(depth + 1)
		a.put(">")
	case n == 7:
		a.put("tuple", "<")
		a.params(1+a.IntN(4), depth+1)
		a.put(">")
	case n == 8 && len(a.types) > 0:
		a.put(a.types[a.IntN(len(a.types))])
	default:
		a.put(a.one("string", "int", "float", "UnspecifiedObject"))
	}
}

func (a *author) params(n, depth int) {
	for i := range n {
		if i > 0 {
			a.put(",")
		}
		a.typ(depth)
		if a.IntN(2) == 0 {
			a.put(a.one("optional", "none", "same", a.name()))
		}
	}
}

func (a *author) structure(name string) {
	var fields []string
	for range a.IntN(6) {
		fields = append(fields, a.name())
	}
	if a.IntN(2) == 0 && len(fields) > 0 {
		a.b.WriteString("/* A doc.\n   @optional " + fields[0] + "\n @unknown word */ ")
	}
	a.put("typedef", "structure", "{")
	for _, f := range fields {
		a.typ(2)
		a.put(f, ";")
	}
	a.put("}", name, ";")
}

// spec writes a source of one or two modules.
func (a *author) spec(components int) string {
	for m := range 1 + a.IntN(2) {
		module := fmt.Sprintf("Mod%d", m)
		a.put("module")
		if a.IntN(3) == 0 {
			a.put("Service", ":")
		}
		a.put(module, "{")
		for range a.IntN(components + 1) {
			name := a.name()
			switch a.IntN(8) {
			case 0, 1:
				a.structure(name)
				a.types = append(a.types, module+"."+name)
			case 2:
				a.put("typedef", "int", a.one("boolean", "bool")+fmt.Sprint(a.fresh), ";")
			case 3, 4:
				a.b.WriteString(a.one("", "/* @range [0,10) */ ", "/* @deprecated */", "/* @id ws A.B */ "))
				a.put("typedef")
				a.typ(0)
				a.put(name, ";")
				a.types = append(a.types, module+"."+name)
			case 5:
				a.put("authentication", a.one("none", "optional", "required"), ";")
			default:
				if a.IntN(3) == 0 {
					a.put("async")
				}
				a.put("funcdef", name, "(")
				a.params(a.IntN(4), 0)
				a.put(")", "returns", "(")
				a.params(a.IntN(3), 0)
				a.put(")")
				if a.IntN(3) == 0 {
					a.put("authentication", "required")
				}
				a.put(";")
			}
		}
		a.put("}", ";")
	}
	return a.b.String()
}

func newAuthor(seed uint64) *author { return &author{Rand: rand.New(rand.NewPCG(seed, 1))} }

// TestRandomSources holds for any valid source: it is accepted, printing is
// identity and changes no meaning, the model survives JSON, and values made to
// fit do fit.
func TestRandomSources(t *testing.T) {
	for seed := range uint64(150) {
		a := newAuthor(seed)
		src := a.spec(12)
		model, err := kidl.LoadSource(nil, "x.spec", []byte(src))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		checkPrint(t, []byte(src))
		f, err := kidl.Parse("x.spec", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		reprinted, err := kidl.LoadSource(nil, "x.spec", printed(t, f))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(asOracle(t, model), asOracle(t, reprinted)); diff != "" {
			t.Fatalf("seed %d: printing changed the meaning (-before +after):\n%s", seed, diff)
		}
		model = throughJSON(t, model)
		for _, mod := range model.Modules {
			for _, fn := range mod.Functions {
				checkRandomCall(t, a, fn)
			}
		}
	}
}

// throughJSON writes and reads a model, and checks that nothing was lost.
func throughJSON(t *testing.T, m *kidl.Model) *kidl.Model {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back kidl.Model
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(again)); diff != "" {
		t.Fatalf("through JSON:\n%s", diff)
	}
	return &back
}

func checkRandomCall(t *testing.T, a *author, f *kidl.Function) {
	t.Helper()
	params := make([]any, len(f.Parameters))
	for i, p := range f.Parameters {
		params[i] = a.value(p.Type)
	}
	text, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := f.FitParams(text, 0); len(wrong) > 0 {
		t.Fatalf("%s(%s): %v", f.FullName(), text, wrong)
	}
	for i, p := range f.Parameters {
		if p.Type.Base().Kind == kidl.Unspecified {
			continue
		}
		bad := append([]any{}, params...)
		bad[i] = struct{}{} // an object
		if k := p.Type.Base().Kind; k == kidl.Mapping || k == kidl.Structure {
			bad[i] = "no object"
		}
		text, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		wrong := f.FitParams(text, 1)
		if len(wrong) != 1 || wrong[0].Path != fmt.Sprintf("$[%d]", i) {
			t.Fatalf("%s(%s): %v, want one misfit at $[%d]", f.FullName(), text, wrong, i)
		}
	}
}

// value makes a random value of a type.
func (a *author) value(t *kidl.Type) any {
	t = t.Base()
	if a.IntN(20) == 0 {
		return nil
	}
	switch t.Kind {
	case kidl.String:
		return a.one("", "text", `"quoted" \ {[`)
	case kidl.Int, kidl.Float:
		return a.IntN(10)
	case kidl.List:
		list := []any{}
		for range a.IntN(4) {
			list = append(list, a.value(t.Item))
		}
		return list
	case kidl.Mapping:
		m := map[string]any{}
		for range a.IntN(4) {
			m[a.one("a", "b c", "é\n", `"`)] = a.value(t.Value)
		}
		return m
	case kidl.Tuple:
		var list []any
		for _, e := range t.Elements {
			list = append(list, a.value(e.Type))
		}
		return list
	case kidl.Structure:
		m := map[string]any{"beside": a.IntN(3)}
		for _, f := range t.Fields {
			if !f.Optional || a.IntN(2) == 0 {
				m[f.Name] = a.value(f.Type)
			}
		}
		return m
	}
	return []any{"anything", 1, nil}
}
