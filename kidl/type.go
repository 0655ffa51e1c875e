package kidl

import "strings"

// Kind is what a type is made of, in the words of the language.
type Kind string

// The kinds of types. A [Named] type refers to a typedef.
const (
	String      Kind = "string"
	Int         Kind = "int"
	Float       Kind = "float"
	Unspecified Kind = "UnspecifiedObject"
	List        Kind = "list"
	Mapping     Kind = "mapping"
	Tuple       Kind = "tuple"
	Structure   Kind = "structure"
	Named       Kind = "typedef"
)

// Type is a type where it is used. Which fields are set depends on Kind.
type Type struct {
	Kind     Kind        `json:"kind"`
	Name     string      `json:"name,omitempty"`     // Named: Module.Name
	Item     *Type       `json:"item,omitempty"`     // List
	Key      *Type       `json:"key,omitempty"`      // Mapping; on the wire a JSON string whatever it is
	Value    *Type       `json:"value,omitempty"`    // Mapping
	Elements []Parameter `json:"elements,omitempty"` // Tuple
	Fields   []Field     `json:"fields,omitempty"`   // Structure
	// Missing is the name of a type that does not exist: only in the model of a
	// faulty source, where it stands as an UnspecifiedObject.
	Missing string `json:"missing,omitempty"`

	def   *Typedef       // Named
	index map[string]int // Structure: the fields by name
}

// Typedef is the definition that a [Named] type refers to; nil for others.
func (t *Type) Typedef() *Typedef { return t.def }

// Base is the type itself, or what a name stands for after all typedefs.
func (t *Type) Base() *Type {
	if t.def == nil {
		return t
	}
	return t.def.root.Type
}

// String prints the type in the language's own words, references as
// Module.Name, and optional fields with a question mark.
func (t *Type) String() string {
	var b strings.Builder
	t.print(&b)
	return b.String()
}

func (t *Type) print(b *strings.Builder) {
	switch t.Kind {
	case Named:
		b.WriteString(t.Name)
	case List:
		b.WriteString("list<")
		t.Item.print(b)
		b.WriteString(">")
	case Mapping:
		b.WriteString("mapping<")
		t.Key.print(b)
		b.WriteString(",")
		t.Value.print(b)
		b.WriteString(">")
	case Tuple:
		b.WriteString("tuple<")
		for i, e := range t.Elements {
			if i > 0 {
				b.WriteString(",")
			}
			e.Type.print(b)
			b.WriteString(" " + e.Name)
		}
		b.WriteString(">")
	case Structure:
		b.WriteString("structure{")
		for _, f := range t.Fields {
			f.Type.print(b)
			b.WriteString(" " + f.Name)
			if f.Optional {
				b.WriteString("?")
			}
			b.WriteString(";")
		}
		b.WriteString("}")
	default:
		b.WriteString(string(t.Kind))
	}
}

// settle prepares the type for use once its parts are known.
func (t *Type) settle() {
	if t.Kind == Structure && t.index == nil {
		t.index = make(map[string]int, len(t.Fields))
		for i, f := range t.Fields {
			t.index[f.Name] = i
		}
	}
}

// settle finds the end of the chain of typedefs; those it refers to are settled.
func (t *Typedef) settle() {
	t.root = t
	if t.Type.def != nil {
		t.root = t.Type.def.root
	}
	if t.Annotations.Range != nil {
		t.Annotations.Range.settle(t.Type.Kind)
	}
}
