package kidl

import (
	"errors"
	"fmt"
	"strings"
)

// Metadata is @metadata ws Expr [as Name]: a value that the workspace keeps
// beside an object. Expr is a path through structures to a scalar, or
// length(path) of a list, mapping, tuple or string.
type Metadata struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
}

func (a *Annotations) metadata(words []string, t *Type) error {
	base := t.Base()
	switch {
	case base.Kind != Structure:
		return fmt.Errorf("@metadata belongs to structures, this type is %s", article(base))
	case len(words) == 0 || words[0] != "ws":
		return errors.New("@metadata needs the context ws as its first word, as in @metadata ws length(contigs) as Contigs")
	case len(words) == 1:
		return errors.New("@metadata ws needs an expression, as in @metadata ws length(contigs) as Contigs")
	}
	expr, name := words[1], ""
	for i, w := range words[2:] {
		if strings.EqualFold(w, "as") {
			rest := words[2+i+1:]
			kept := rest[:0:0]
			for _, word := range rest {
				if !strings.EqualFold(word, "as") {
					kept = append(kept, word)
				}
			}
			name = strings.Join(kept, " ")
			break
		}
		expr += w
		name = expr
	}
	if name == "" && len(words) == 2 {
		name = expr
	}
	if err := metadataPath(expr, base); err != nil {
		return err
	}
	for _, m := range a.Metadata {
		if m.Name == name {
			return fmt.Errorf("@metadata defines %q twice: give one of them another name with as", name)
		}
	}
	a.Metadata = append(a.Metadata, Metadata{Name: name, Expr: expr})
	return nil
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
