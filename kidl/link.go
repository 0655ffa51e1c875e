package kidl

import (
	"encoding/json"
	"fmt"
)

// linkMark says how far the linking of a typedef has come.
type linkMark uint8

const (
	unlinked linkMark = iota
	linking
	linked
)

// UnmarshalJSON reads a model as it was written, and connects its references.
func (m *Model) UnmarshalJSON(data []byte) error {
	type plain Model
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	l := linker{types: map[string]*Typedef{}}
	// Own modules come last, so that they win over replaced ones of one name.
	all := append(append([]*Module{}, p.Included...), p.Modules...)
	for _, mod := range all {
		if mod == nil {
			return fmt.Errorf("interface model: a module is null")
		}
		for _, t := range mod.Types {
			if t == nil || t.Type == nil {
				return fmt.Errorf("interface model: a type of module %s is null", mod.Name)
			}
			t.mark = unlinked
			l.types[t.FullName()] = t
		}
	}
	for _, mod := range all {
		for _, t := range mod.Types {
			if err := l.typedef(t); err != nil {
				return fmt.Errorf("interface model: %w", err)
			}
		}
		for _, f := range mod.Functions {
			if f == nil {
				return fmt.Errorf("interface model: a function of module %s is null", mod.Name)
			}
			for _, list := range [][]Parameter{f.Parameters, f.Results} {
				if err := l.parameters(list); err != nil {
					return fmt.Errorf("interface model: %s: %w", f.FullName(), err)
				}
			}
		}
	}
	*m = Model(p)
	return nil
}

// linker holds the typedefs by their full names, and how deep it is in them.
type linker struct {
	types map[string]*Typedef
	depth int
}

func (l *linker) typedef(t *Typedef) error {
	switch t.mark {
	case linked:
		return nil
	case linking:
		return fmt.Errorf("type %s refers to itself", t.FullName())
	}
	t.mark = linking
	if l.depth++; l.depth > maxChain {
		return fmt.Errorf("more than %d types build on one another", maxChain)
	}
	defer func() { l.depth-- }()
	if err := l.typ(t.Type); err != nil {
		return fmt.Errorf("%s: %w", t.FullName(), err)
	}
	t.settle()
	t.mark = linked
	return nil
}

func (l *linker) parameters(list []Parameter) error {
	for _, p := range list {
		if err := l.typ(p.Type); err != nil {
			return err
		}
	}
	return nil
}

func (l *linker) typ(t *Type) error {
	if t == nil {
		return fmt.Errorf("a type is missing")
	}
	switch t.Kind {
	case String, Int, Float, Unspecified:
		return nil
	case Named:
		def, ok := l.types[t.Name]
		if !ok {
			return fmt.Errorf("type %s is not in the model", t.Name)
		}
		t.def = def
		return l.typedef(def)
	case List:
		return l.typ(t.Item)
	case Mapping:
		if err := l.typ(t.Key); err != nil {
			return err
		}
		return l.typ(t.Value)
	case Tuple:
		return l.parameters(t.Elements)
	case Structure:
		for _, f := range t.Fields {
			if err := l.typ(f.Type); err != nil {
				return err
			}
		}
		t.settle()
		return nil
	}
	return fmt.Errorf("kind of type %q is not known", t.Kind)
}
