package service

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// interpolations are read as instructions by HCL, by the scheduler or by its
// template language. There is no escape that all three agree on.
var interpolations = []string{"${", "%{", "{{"}

// validateText checks every string of the version, those of fields that are
// added later included: none may be read as an instruction, nor hide something
// from who reads it. Only the description may have lines and tabs.
func validateText(f *faults, v *Version) {
	walkStrings(reflect.ValueOf(v).Elem(), "", func(field, text string) {
		for _, mark := range interpolations {
			f.check(!strings.Contains(text, mark), field, "must not contain %s: values are taken literally and nothing is filled in", mark)
		}
		if !utf8.ValidString(text) {
			f.add(field, "must be UTF-8 text")
			return
		}
		at := strings.IndexFunc(text, func(r rune) bool {
			return unicode.IsControl(r) && (field != "description" || !strings.ContainsRune("\t\r\n", r))
		})
		if at >= 0 {
			r, _ := utf8.DecodeRuneInString(text[at:])
			f.add(field, "must not contain the control character %U: write it on one line", r)
		}
	})
}

// walkStrings calls visit for each string under v with its JSON path, map keys
// before their values.
func walkStrings(v reflect.Value, field string, visit func(field, text string)) {
	switch v.Kind() {
	case reflect.String:
		visit(field, v.String())
	case reflect.Slice:
		for i := range v.Len() {
			walkStrings(v.Index(i), fmt.Sprintf("%s[%d]", field, i), visit)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			inner := field + "." + key.String()
			visit(inner, key.String())
			walkStrings(v.MapIndex(key), inner, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if tag == "" || !v.Type().Field(i).IsExported() {
				continue
			}
			inner := tag
			if field != "" {
				inner = field + "." + tag
			}
			walkStrings(v.Field(i), inner, visit)
		}
	}
}
