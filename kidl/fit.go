package kidl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Misfit is a JSON value that is not of its type. Path leads to it in the
// notation of JSONPath: $[0] is the first parameter, $[0].contigs[3].id a part.
type Misfit struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (m Misfit) String() string { return m.Path + ": " + m.Message }

// Misfits is what a checker has found, in the order of the text; empty: all fits.
type Misfits []Misfit

// String prints them, one a line.
func (m Misfits) String() string {
	lines := make([]string, len(m))
	for i, misfit := range m {
		lines[i] = misfit.String()
	}
	return strings.Join(lines, "\n")
}

// FitParams checks the params of a call, a JSON array, against the function. It
// stops after most misfits; 1 finds the first, 0 all. No params are as good as
// an empty array.
//
// It walks over the text once and keeps nothing of it. docs/kidl.md says what
// fits which type; in short null fits everything, objects may have members that
// the structure does not know, and must have all that are not @optional.
func (f *Function) FitParams(params []byte, most int) Misfits {
	if len(params) == 0 || len(f.Parameters) == 0 && string(params) == "null" {
		params = []byte("[]")
	}
	return fit(params, most, func(w *fitter, i int) { w.call(i, f.Parameters, "parameter") })
}

// FitResult checks what a call returned, a JSON array of the function's results.
// Null will do where there are none.
func (f *Function) FitResult(result []byte, most int) Misfits {
	if len(f.Results) == 0 && string(result) == "null" {
		return nil
	}
	return fit(result, most, func(w *fitter, i int) { w.call(i, f.Results, "result") })
}

// Fit checks one JSON value against the type.
func (t *Type) Fit(value []byte, most int) Misfits {
	return fit(value, most, func(w *fitter, i int) { w.value(i, t) })
}

func fit(text []byte, most int, walk func(*fitter, int)) Misfits {
	if !json.Valid(text) {
		var v json.RawMessage
		return Misfits{{Path: "$", Message: fmt.Sprintf("is no JSON: %v", json.Unmarshal(text, &v))}}
	}
	w := &fitter{cursor: cursor{text}, most: most}
	walk(w, w.space(0))
	return w.found
}

// fitter walks over a text that is known to be JSON. Its methods take the offset
// at which a value begins and give the one after it.
type fitter struct {
	cursor
	path  []segment
	most  int
	found Misfits
}

// segment is a step of the path: a key as it is in the text, or an index.
type segment struct {
	key   []byte // with its quotes
	index int
}

// note keeps what is wrong at the path.
func (w *fitter) note(format string, args ...any) {
	if !w.full() {
		w.found = append(w.found, Misfit{w.pathText(), fmt.Sprintf(format, args...)})
	}
}

// misfit notes what is wrong with the value at i and moves over it.
func (w *fitter) misfit(i int, format string, args ...any) int {
	w.note(format, args...)
	return w.skip(i)
}

// full says that the walk is over. Offsets mean nothing then.
func (w *fitter) full() bool { return w.most > 0 && len(w.found) >= w.most }

func (w *fitter) wrongType(i int, want string) int {
	return w.misfit(i, "expected %s, found %s", want, w.describe(i))
}

// call checks an array of parameters or results.
func (w *fitter) call(i int, list []Parameter, noun string) {
	if w.text[i] != '[' {
		w.misfit(i, "expected an array of %s, found %s", count(len(list), noun), w.describe(i))
		return
	}
	if n := w.length(i); n != len(list) {
		w.misfit(i, "expected %s%s, found %d", count(len(list), noun), names(list), n)
		return
	}
	w.elements(i, func(k int) *Type { return list[k].Type })
}

// elements checks an array whose types are given by index.
func (w *fitter) elements(i int, typ func(int) *Type) int {
	w.path = append(w.path, segment{})
	last := len(w.path) - 1
	k := 0
	for i = w.space(i + 1); !w.full() && w.text[i] != ']'; i = w.more(i) {
		w.path[last] = segment{index: k}
		i = w.value(i, typ(k))
		k++
	}
	w.path = w.path[:last]
	return i + 1
}

func (w *fitter) value(i int, t *Type) int {
	def := t.def
	if def != nil {
		def = def.root
		t = def.Type
	}
	c := w.text[i]
	switch {
	case c == 'n':
		return i + len("null")
	case t.Kind == Unspecified:
		return w.skip(i)
	case t.Kind == String && c == '"':
		return w.skip(i)
	case (t.Kind == Int || t.Kind == Float) && (c == '-' || c >= '0' && c <= '9'):
		return w.number(i, t.Kind, def)
	case t.Kind == Int && (c == 't' || c == 'f') && def != nil && def.isBoolean():
		return w.skip(i)
	case t.Kind == List && c == '[':
		return w.elements(i, func(int) *Type { return t.Item })
	case t.Kind == Tuple && c == '[':
		if n := w.length(i); n != len(t.Elements) {
			return w.misfit(i, "expected a tuple of %s%s, found %d", count(len(t.Elements), "element"), names(t.Elements), n)
		}
		return w.elements(i, func(k int) *Type { return t.Elements[k].Type })
	case t.Kind == Mapping && c == '{':
		return w.mapping(i, t)
	case t.Kind == Structure && c == '{':
		return w.structure(i, t, def)
	}
	return w.wrongType(i, expected[t.Kind])
}

var expected = map[Kind]string{
	String: "a string", Int: "an integer", Float: "a number", List: "an array", Tuple: "an array",
	Mapping: "an object", Structure: "an object",
}

func (w *fitter) number(i int, k Kind, def *Typedef) int {
	end := w.skip(i)
	text := w.text[i:end]
	if k == Int && bytes.ContainsAny(text, ".eE") && !integral(string(text)) {
		return w.wrongType(i, "an integer")
	}
	if def != nil && def.Annotations.Range != nil && !def.Annotations.Range.contains(string(text)) {
		return w.misfit(i, "expected a number in %s, found %s", def.Annotations.Range, text)
	}
	return end
}

func (w *fitter) mapping(i int, t *Type) int {
	w.path = append(w.path, segment{})
	last := len(w.path) - 1
	for i = w.space(i + 1); !w.full() && w.text[i] != '}'; i = w.more(i) {
		end := w.skip(i)
		w.path[last] = segment{key: w.text[i:end]}
		i = w.value(w.colon(end), t.Value)
	}
	w.path = w.path[:last]
	return i + 1
}

func (w *fitter) structure(i int, t *Type, def *Typedef) int {
	var few uint64 // which fields are there; seen takes over where there are more
	var seen []bool
	if len(t.Fields) > 64 {
		seen = make([]bool, len(t.Fields))
	}
	w.path = append(w.path, segment{})
	last := len(w.path) - 1
	for i = w.space(i + 1); !w.full() && w.text[i] != '}'; i = w.more(i) {
		end := w.skip(i)
		at, known := t.field(w.text[i:end])
		w.path[last] = segment{key: w.text[i:end]}
		i = w.colon(end)
		if !known {
			i = w.skip(i)
			continue
		}
		if seen != nil {
			seen[at] = true
		} else {
			few |= 1 << at
		}
		i = w.value(i, t.Fields[at].Type)
	}
	w.path = w.path[:last]
	if w.full() {
		return i
	}
	for at, f := range t.Fields {
		there := seen != nil && seen[at] || seen == nil && few&(1<<at) != 0
		if !there && !f.Optional {
			w.missing(f, def)
		}
	}
	return i + 1
}

func (w *fitter) missing(f Field, def *Typedef) {
	of := ""
	if def != nil {
		of = " of " + def.FullName()
	}
	w.path = append(w.path, segment{key: quoted(f.Name)})
	w.note("is missing: field %s%s is not @optional", f.Name, of)
	w.path = w.path[:len(w.path)-1]
}

// field finds the field of a key as it is in the text, with its quotes.
func (t *Type) field(key []byte) (int, bool) {
	name := key[1 : len(key)-1]
	if slices.Contains(name, '\\') {
		at, ok := t.index[unquoted(key)]
		return at, ok
	}
	at, ok := t.index[string(name)]
	return at, ok
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// names lists parameters in brackets.
func names(list []Parameter) string {
	if len(list) == 0 {
		return ""
	}
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = p.Name
	}
	return " (" + strings.Join(all, ", ") + ")"
}
