package kidl

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Schema is a JSON Schema, draft 2020-12, as far as KIDL types need it. The
// keywords that begin with x-kidl keep what JSON Schema has no word for.
type Schema struct {
	Schema      string   `json:"$schema,omitempty"`
	Ref         string   `json:"$ref,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Deprecated  bool     `json:"deprecated,omitempty"`
	Type        any      `json:"type,omitempty"` // a word or several
	Const       string   `json:"const,omitempty"`
	Properties  Schemas  `json:"properties,omitempty"`
	Required    []string `json:"required,omitempty"`
	Additional  *Schema  `json:"additionalProperties,omitempty"`
	Items       any      `json:"items,omitempty"` // a schema, or false after prefixItems
	PrefixItems []any    `json:"prefixItems,omitempty"`
	MinItems    *int     `json:"minItems,omitempty"`
	MaxItems    *int     `json:"maxItems,omitempty"`

	Minimum          json.Number `json:"minimum,omitempty"`
	Maximum          json.Number `json:"maximum,omitempty"`
	ExclusiveMinimum json.Number `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum json.Number `json:"exclusiveMaximum,omitempty"`

	KIDLType     string        `json:"x-kidl-type,omitempty"`        // the type in KIDL's words
	KIDLName     string        `json:"x-kidl-name,omitempty"`        // the parameter's name in generated code
	KIDLKey      *Schema       `json:"x-kidl-key,omitempty"`         // type of a mapping's keys, where not string
	KIDLID       *IDAnnotation `json:"x-kidl-id,omitempty"`          // @id
	KIDLMetadata []Metadata    `json:"x-kidl-metadata-ws,omitempty"` // @metadata ws
	KIDLSearch   *Searchable   `json:"x-kidl-searchable,omitempty"`  // @searchable
	KIDLInstead  string        `json:"x-kidl-replacement,omitempty"` // of @deprecated
	KIDLMissing  string        `json:"x-kidl-missing,omitempty"`     // a type that the source does not define

	Defs Schemas `json:"$defs,omitempty"`
}

// Schemas is an object of schemas that keeps its order.
type Schemas []NamedSchema

// NamedSchema is a member of [Schemas].
type NamedSchema struct {
	Name   string
	Schema *Schema
}

// MarshalJSON writes the object.
func (s Schemas) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is the type as a document of its own; what it refers to is in $defs.
func (t *Type) Schema() *Schema { return document(func(w *schemaWriter) *Schema { return w.typ(t) }) }

// Schema is the typedef as a document of its own.
func (t *Typedef) Schema() *Schema {
	return document(func(w *schemaWriter) *Schema { return w.typedef(t) })
}

// ParamsSchema describes the array of a call's parameters.
func (f *Function) ParamsSchema() *Schema {
	return document(func(w *schemaWriter) *Schema { return w.list(f.Parameters) })
}

// ResultSchema describes the array of what a call returns.
func (f *Function) ResultSchema() *Schema {
	return document(func(w *schemaWriter) *Schema { return w.list(f.Results) })
}

func document(make func(*schemaWriter) *Schema) *Schema {
	w := &schemaWriter{prefix: "#/$defs/", done: map[*Typedef]bool{}}
	s := make(w)
	s.Schema, s.Defs = dialect, w.defs
	return s
}

// schemaWriter writes schemas that refer to one another.
type schemaWriter struct {
	prefix string
	defs   Schemas
	done   map[*Typedef]bool
}

// key is a typedef's name in $defs and components, where $ is not allowed.
func key(full string) string { return strings.ReplaceAll(full, "$", ".24") }

// reference makes sure that a typedef is among the definitions.
func (w *schemaWriter) reference(t *Typedef) *Schema {
	if !w.done[t] {
		w.done[t] = true
		s := w.typedef(t) // first what it refers to
		w.defs = append(w.defs, NamedSchema{key(t.FullName()), s})
	}
	return &Schema{Ref: w.prefix + key(t.FullName())}
}

func (w *schemaWriter) typedef(t *Typedef) *Schema {
	s := w.typ(t.Type)
	s.Title, s.Description = t.Name, Prose(t.Doc)
	a := t.Annotations
	if t.Type.Kind == Int || t.Type.Kind == Float {
		s.bounds(a.Range, t.Type.Kind)
	}
	if t.isBoolean() {
		s.Type = []string{"integer", "boolean"}
	}
	s.KIDLID, s.KIDLMetadata, s.KIDLSearch = a.ID, a.Metadata, a.Searchable
	s.deprecate(a.Deprecated)
	return s
}

func (s *Schema) deprecate(d *Deprecation) {
	if d != nil {
		s.Deprecated, s.KIDLInstead = true, d.Replacement
	}
}

func (s *Schema) bounds(r *Range, k Kind) {
	if r == nil {
		return
	}
	b := r.of(k)
	if b.MinExclusive {
		s.ExclusiveMinimum = b.Min
	} else {
		s.Minimum = b.Min
	}
	if b.MaxExclusive {
		s.ExclusiveMaximum = b.Max
	} else {
		s.Maximum = b.Max
	}
}

func (w *schemaWriter) typ(t *Type) *Schema {
	switch t.Kind {
	case Named:
		return w.reference(t.def)
	case String:
		return &Schema{Type: "string", KIDLType: string(String)}
	case Int:
		return &Schema{Type: "integer", KIDLType: string(Int)}
	case Float:
		return &Schema{Type: "number", KIDLType: string(Float)}
	case List:
		return &Schema{Type: "array", Items: w.typ(t.Item), KIDLType: string(List)}
	case Mapping:
		s := &Schema{Type: "object", Additional: w.typ(t.Value), KIDLType: string(Mapping)}
		if t.Key.Kind != String {
			s.KIDLKey = w.typ(t.Key)
		}
		return s
	case Tuple:
		s := w.list(t.Elements)
		s.KIDLType = string(Tuple)
		return s
	case Structure:
		s := &Schema{Type: "object", KIDLType: string(Structure)}
		for _, f := range t.Fields {
			s.Properties = append(s.Properties, NamedSchema{f.Name, w.typ(f.Type)})
			if !f.Optional {
				s.Required = append(s.Required, f.Name)
			}
		}
		return s
	}
	return &Schema{KIDLType: string(Unspecified), KIDLMissing: t.Missing}
}

// list is an array of exactly these.
func (w *schemaWriter) list(list []Parameter) *Schema {
	n := len(list)
	s := &Schema{Type: "array", MinItems: &n, MaxItems: &n, Items: false}
	for _, p := range list {
		item := w.typ(p.Type)
		item.KIDLName = p.Name
		s.PrefixItems = append(s.PrefixItems, item)
	}
	return s
}

// isBoolean knows KBase's convention typedef int boolean. Callers whose language
// has booleans send them, and services take them.
func (t *Typedef) isBoolean() bool {
	return t.Type.Kind == Int && (strings.EqualFold(t.Name, "boolean") || strings.EqualFold(t.Name, "bool"))
}
