package jobspec

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"text/template"
)

// TestDataHoldsLiteralsOnly: a template can reach nothing but literals,
// booleans, and structs, slices and pointers of them. A plain string, number,
// map, function or interface would be written as it is.
func TestDataHoldsLiteralsOnly(t *testing.T) {
	literals := map[reflect.Type]bool{
		reflect.TypeFor[Text](): true, reflect.TypeFor[Number](): true, reflect.TypeFor[List](): true, reflect.TypeFor[Word](): true, reflect.TypeFor[Label](): true,
	}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch {
		case literals[typ]:
			for i := range typ.NumField() {
				if typ.Field(i).IsExported() {
					t.Errorf("%s: a template can read %s", path, typ.Field(i).Name)
				}
			}
			if n := typ.NumMethod(); n != 2 { // Format, String
				t.Errorf("%s: a template can call %d methods", path, n)
			}
		case typ.Kind() == reflect.Bool:
		case typ.Kind() == reflect.Pointer, typ.Kind() == reflect.Slice:
			walk(path, typ.Elem())
		case typ.Kind() == reflect.Struct:
			if typ.NumMethod() > 0 || reflect.PointerTo(typ).NumMethod() > 0 {
				t.Errorf("%s: a template can call its methods", path)
			}
			for i := range typ.NumField() {
				walk(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		default:
			t.Errorf("%s is a %s", path, typ)
		}
	}
	walk("Data", reflect.TypeFor[Data]())
}

// TestLiteralHasOneForm: no verb or function gets at the bare value.
func TestLiteralHasOneForm(t *testing.T) {
	const bare = `x" } evil {`
	const want = `"x\" } evil {"`
	text := newText(bare)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T%v"} {
		got := fmt.Sprintf(verb, text)
		if verb == "%T%v" {
			continue
		}
		if got != want {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	for _, action := range []string{
		`[[ . ]]`, `[[ .String ]]`, `[[ with . ]][[ . ]][[ end ]]`, `[[ $x := . ]][[ $x ]]`,
		`[[ printf "%d" . ]]`, `[[ print . ]]`, `[[ html . ]]`, `[[ js . ]]`, `[[ urlquery . ]]`, `[[ slice . 1 3 ]]`, `[[ index . 0 ]]`, `[[ .hcl ]]`, `[[ .literal ]]`,
	} {
		tmpl, err := template.New("t").Delims("[[", "]]").Funcs(refusing()).Parse(action)
		if err != nil {
			continue
		}
		var out bytes.Buffer
		if err := tmpl.Execute(&out, text); err == nil && out.String() != want {
			t.Errorf("%s prints %s", action, out.String())
		}
	}
}

func TestWordRefuses(t *testing.T) {
	for _, s := range []string{"", "a b", "a-b", "a.b", "}}", "a\n", "é", `"`} {
		if w, err := newWord(s); err == nil {
			t.Errorf("%q became %s", s, w)
		}
	}
	if w, err := newWord("DB_PASSWORD2"); err != nil || w.String() != "DB_PASSWORD2" {
		t.Errorf("got %s, %v", w, err)
	}
}

func TestClassPattern(t *testing.T) {
	if got, want := classPattern([]string{"b.c", "", "a"}), `^(?:|a|b\.c)$`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.HasPrefix(newText(classPattern([]string{"x"})).String(), `"^`) {
		t.Error("not quoted")
	}
}
