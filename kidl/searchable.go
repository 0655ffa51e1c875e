package kidl

import (
	"errors"
	"fmt"
	"strings"
)

// Searchable is @searchable ws_subset: paths through the type to what the
// workspace indexes. In a path * goes into a mapping and [*] into a list.
type Searchable struct {
	Fields []string `json:"fields,omitempty"`
	Keys   []string `json:"keys,omitempty"` // mappings of which only the keys count: keys_of(path)
}

func (a *Annotations) searchable(words []string, t *Type) error {
	base := t.Base()
	switch {
	case len(words) == 0 || words[0] != "ws_subset":
		return errors.New("@searchable needs ws_subset as its first word, as in @searchable ws_subset genome.id keys_of(features)")
	case base.Kind != Structure:
		return fmt.Errorf("@searchable belongs to structures, this type is %s", article(base))
	}
	if a.Searchable == nil {
		a.Searchable = &Searchable{}
	}
	for _, word := range glue(words[1:]) {
		list, keys := &a.Searchable.Fields, false
		if inner, ok := strings.CutPrefix(word, "keys_of("); ok && strings.HasSuffix(inner, ")") {
			list, keys, word = &a.Searchable.Keys, true, strings.TrimSuffix(inner, ")")
		}
		if err := subset(list, "", word, base, keys); err != nil {
			return err
		}
	}
	return nil
}

// glue joins words that blanks have torn apart: a.( b, c ) is one path.
func glue(words []string) []string {
	var all []string
	for i := 0; i < len(words); {
		end := i + 1
		for end < len(words) && together(words[end-1], words[end], end-1 == i) {
			end++
		}
		all = append(all, strings.Join(words[i:end], ""))
		i = end
	}
	return all
}

// together says whether two words are parts of one path.
func together(a, b string, first bool) bool {
	return first && a == "keys_of" && strings.HasPrefix(b, "(") || b == ")" ||
		strings.HasSuffix(a, "(") || strings.HasSuffix(a, ".") || strings.HasSuffix(a, ",") ||
		strings.HasPrefix(b, ".") || strings.HasPrefix(b, ",")
}

// subset adds the paths of text, which begins inside t, to list.
func subset(list *[]string, prefix, text string, t *Type, keys bool) error {
	for more := true; more; {
		part := text
		i := outside(text, ',')
		if more = i > 0; more {
			part, text = text[:i], text[i+1:]
		}
		key, rest := part, ""
		dot := outside(part, '.')
		if dot > 0 {
			key, rest = part[:dot], part[dot+1:]
		}
		inner, err := step(prefix+key, key, t)
		if err != nil {
			return err
		}
		switch {
		case dot > 0:
			if strings.HasPrefix(rest, "(") && strings.HasSuffix(rest, ")") {
				rest = rest[1 : len(rest)-1]
			}
			if err := subset(list, prefix+key+".", rest, inner, keys); err != nil {
				return err
			}
		case keys && inner.Kind != Mapping:
			return fmt.Errorf("@searchable cannot take the keys of %q, which is %s", prefix+key, article(inner))
		default:
			*list = append(*list, prefix+key)
		}
	}
	return nil
}

// step goes from t to what key selects in it.
func step(path, key string, t *Type) (*Type, error) {
	want := Structure
	switch key {
	case "*":
		want = Mapping
	case "[*]":
		want = List
	}
	if t.Kind != want {
		return nil, fmt.Errorf("@searchable cannot follow %q: it needs a %s there, found %s", path, want, article(t))
	}
	switch want {
	case Mapping:
		return t.Value.Base(), nil
	case List:
		return t.Item.Base(), nil
	}
	i, ok := t.index[key]
	if !ok {
		return nil, fmt.Errorf("@searchable finds no field for %q%s", path, nearest(key, fieldNames(t)))
	}
	return t.Fields[i].Type.Base(), nil
}

// outside finds c where it is not in round brackets.
func outside(text string, c byte) int {
	level := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			level++
		case ')':
			level--
		case c:
			if level == 0 {
				return i
			}
		}
	}
	return -1
}
