package kidl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Metadata is @metadata ws Expr [as Name]: a value that the workspace keeps
// beside an object. Expr is a path through structures to a scalar, or
// length(path) of a list, mapping, tuple or string.
type Metadata struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
}

func (a *Annotations) metadata(words []string, t *Type, taken map[string]bool) error {
	base := t.Base()
	switch {
	case base.Kind != Structure:
		return fmt.Errorf("@metadata belongs to structures, this type is %s", article(base))
	case len(words) == 0 || words[0] != "ws":
		return errors.New("@metadata needs the context ws as its first word, as in @metadata ws length(contigs) as Contigs")
	case len(words) == 1:
		return errors.New("@metadata ws needs an expression, as in @metadata ws length(contigs) as Contigs")
	}
	expr, name := metadataWords(words[1:])
	if err := metadataPath(expr, base); err != nil {
		return err
	}
	if taken[name] {
		return fmt.Errorf("@metadata defines %q twice: give one of them another name with as", name)
	}
	taken[name] = true
	a.Metadata = append(a.Metadata, Metadata{Name: name, Expr: expr})
	return nil
}

// metadataWords cuts what follows the context at the word as; the first word is
// never that one, because a field may have the name.
func metadataWords(words []string) (expr, name string) {
	isAs := func(w string) bool { return strings.EqualFold(w, "as") }
	if i := slices.IndexFunc(words[1:], isAs); i >= 0 {
		return strings.Join(words[:i+1], ""), strings.Join(slices.DeleteFunc(slices.Clone(words[i+2:]), isAs), " ")
	}
	expr = strings.Join(words, "")
	return expr, expr
}

// metadataPath checks what an expression selects.
func metadataPath(expr string, t *Type) error {
	path, length := strings.CutPrefix(expr, "length(")
	if length {
		var closed bool
		if path, closed = strings.CutSuffix(path, ")"); !closed {
			return fmt.Errorf("@metadata expects \")\" at the end of %q", expr)
		}
	}
	for i, name := range strings.Split(strings.TrimRight(path, "."), ".") {
		if i > 0 && t.Kind != Structure {
			return fmt.Errorf("@metadata cannot select field %q in %q: what it looks into is %s", name, path, article(t))
		}
		at, ok := t.index[name]
		if !ok {
			return fmt.Errorf("@metadata finds no field %q for %q%s", name, path, nearest(name, fieldNames(t)))
		}
		t = t.Fields[at].Type.Base()
	}
	switch t.Kind {
	case String:
	case Int, Float:
		if length {
			return fmt.Errorf("@metadata cannot take the length of %q, which is %s: write %s", path, article(t), path)
		}
	case List, Mapping, Tuple:
		if !length {
			return fmt.Errorf("@metadata cannot hold %q, which is %s: write length(%s)", path, article(t), path)
		}
	default:
		return fmt.Errorf("@metadata cannot hold %q, which is %s: select a string, a number or a length", path, article(t))
	}
	return nil
}

func fieldNames(t *Type) []string {
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	return names
}

// article is the kind of a type in a sentence.
func article(t *Type) string {
	switch t.Kind {
	case Int, Unspecified:
		return "an " + string(t.Kind)
	}
	return "a " + string(t.Kind)
}
