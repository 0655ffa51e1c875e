package gen

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// pythonTypes are the types of a unit as Python declares them.
type pythonTypes struct {
	names      map[*kidl.Typedef]string
	converters map[*kidl.Typedef]string // of those that are not what JSON makes of them
	scope      *scope
	used       map[string]bool // names of typing and of the runtime
	order      []string        // names of types
	decls      strings.Builder
	converts   strings.Builder
	prefix     string // before the names of types: the module that they are in
}

func newPythonTypes(u *unit, taken set) *pythonTypes {
	p := &pythonTypes{
		names: map[*kidl.Typedef]string{}, converters: map[*kidl.Typedef]string{},
		scope: newScope(taken, pythonKeywords), used: map[string]bool{},
	}
	// A method hides a type of the same name inside its class.
	for _, f := range u.module.Functions {
		p.scope.take(pythonName(f.Name))
	}
	for _, own := range []bool{true, false} {
		for _, t := range u.types {
			if u.foreign(t) != own {
				name := ident(t.Name)
				p.names[t] = p.scope.pick(name, ident(t.Module)+strings.ToUpper(name[:1])+name[1:])
			}
		}
	}
	for _, t := range u.types {
		p.typedef(t)
	}
	return p
}

func (p *pythonTypes) typedef(t *kidl.Typedef) {
	name := p.names[t]
	p.order = append(p.order, name)
	doc := pythonDocLines("", t.Doc, t.Annotations)
	switch t.Type.Kind {
	case kidl.Structure:
		p.structure(name, doc, t.Type)
	case kidl.Tuple:
		p.namedTuple(name, doc, t.Type.Elements)
	default:
		p.decls.WriteString("\n")
		if len(doc) > 0 {
			p.decls.WriteString(prefixed("# ", doc) + "\n")
		}
		p.decls.WriteString(pythonSplit("", name+" = "+p.typ(t.Type), "") + "\n")
	}
	if convert := p.convertTypedef(t); convert != "" {
		p.converters[t] = p.scope.pick("_to_" + snake(t.Name))
		line := p.converters[t] + " = " + convert
		if !strings.Contains(line, "\n") {
			line = pythonSplit("", line, "")
		}
		p.converts.WriteString(line + "\n")
	}
}

// structure declares a TypedDict. Where fields have names that classes cannot
// have, or that hide a type, it is made by a call.
func (p *pythonTypes) structure(name string, doc []string, t *kidl.Type) {
	p.used["TypedDict"] = true
	var required, optional []kidl.Field
	asClass := true
	for _, f := range t.Fields {
		if f.Optional {
			optional = append(optional, f)
		} else {
			required = append(required, f)
		}
		asClass = asClass && ident(f.Name) == f.Name && !pythonKeywords[f.Name] && !pythonTaken[f.Name] && !p.scope.taken[f.Name]
	}
	bases, total := "TypedDict", ""
	fields := required
	switch {
	case len(required) == 0 && len(optional) > 0:
		fields, total = optional, ", total=False"
	case len(optional) > 0:
		base := "_" + name + "Required"
		p.fields(base, "TypedDict", "", nil, required, asClass)
		bases, fields, total = base, optional, ", total=False"
	}
	if asClass {
		p.fields(name, bases, total, doc, fields, true)
		return
	}
	base := "_" + name + "Fields"
	if len(optional) > 0 && len(required) > 0 {
		base = "_" + name + "Optional"
		p.fields(base, "TypedDict", total, nil, fields, false)
		p.fields(name, bases+", "+base, "", doc, nil, true)
		return
	}
	p.fields(base, "TypedDict", total, nil, fields, false)
	p.fields(name, base, total, doc, nil, true)
}

// fields declares one TypedDict.
func (p *pythonTypes) fields(name, bases, total string, doc []string, fields []kidl.Field, asClass bool) {
	b := &p.decls
	if !asClass {
		fmt.Fprintf(b, "\n%s = TypedDict(\n    %q,\n    {\n", name, name)
		for _, f := range fields {
			b.WriteString(pythonSplit("        ", fmt.Sprintf("%q: %s", f.Name, p.typ(f.Type)), ",") + "\n")
		}
		b.WriteString("    },\n")
		if total != "" {
			b.WriteString("    total=False,\n")
		}
		b.WriteString(")\n")
		return
	}
	fmt.Fprintf(b, "\n\nclass %s(%s%s):\n", name, bases, total)
	if len(doc) > 0 {
		b.WriteString(pythonDoc("    ", doc) + "\n")
		if len(fields) > 0 {
			b.WriteString("\n")
		}
	} else if len(fields) == 0 {
		b.WriteString("    pass\n")
	}
	for _, f := range fields {
		b.WriteString(pythonSplit("    ", f.Name+": "+p.typ(f.Type), "") + "\n")
	}
	b.WriteString("\n")
}

// namedTuple declares what is a list in JSON and has names for its elements.
func (p *pythonTypes) namedTuple(name string, doc []string, elements []kidl.Parameter) {
	p.used["NamedTuple"] = true
	b := &p.decls
	fmt.Fprintf(b, "\n\nclass %s(NamedTuple):\n", name)
	if len(doc) > 0 {
		b.WriteString(pythonDoc("    ", doc) + "\n\n")
	}
	names := newScope(setOf("count index"), pythonKeywords, pythonTaken)
	for _, e := range elements {
		field := ident(e.Name)
		if p.scope.taken[field] {
			field += "_" // it would hide a type
		}
		b.WriteString(pythonSplit("    ", names.pick(field, field+"_")+": "+p.typ(e.Type), "") + "\n")
	}
	if len(elements) == 0 && len(doc) == 0 {
		b.WriteString("    pass\n")
	}
	b.WriteString("\n")
}

// typ is a type as Python has it.
func (p *pythonTypes) typ(t *kidl.Type) string {
	switch t.Kind {
	case kidl.String:
		return "str"
	case kidl.Int:
		return "int"
	case kidl.Float:
		return "float"
	case kidl.List:
		return "list[" + p.typ(t.Item) + "]"
	case kidl.Mapping:
		key := "str" // as it is in JSON
		if t.Key.Base().Kind == kidl.String {
			key = p.typ(t.Key)
		}
		return "dict[" + key + ", " + p.typ(t.Value) + "]"
	case kidl.Tuple:
		var elements []string
		for _, e := range t.Elements {
			elements = append(elements, p.typ(e.Type))
		}
		return "tuple[" + strings.Join(elements, ", ") + "]"
	case kidl.Named:
		return p.prefix + p.names[t.Typedef()]
	}
	p.used["Any"] = true
	return "Any"
}

// convertTypedef is what makes a value of a typedef out of what JSON has for it;
// empty: it is that already.
func (p *pythonTypes) convertTypedef(t *kidl.Typedef) string {
	if t.Type.Kind == kidl.Tuple {
		return p.convertTuple(p.names[t], t.Type.Elements)
	}
	return p.convert(t.Type)
}

func (p *pythonTypes) convert(t *kidl.Type) string {
	switch t.Kind {
	case kidl.Named:
		return p.converters[t.Typedef()]
	case kidl.List:
		if item := p.convert(t.Item); item != "" {
			p.used["list_of"] = true
			return "list_of(" + item + ")"
		}
	case kidl.Mapping:
		if value := p.convert(t.Value); value != "" {
			p.used["mapping_of"] = true
			return "mapping_of(" + value + ")"
		}
	case kidl.Tuple:
		return p.convertTuple("tuple", t.Elements)
	case kidl.Structure:
		fields := ""
		for _, f := range t.Fields {
			if convert := p.convert(f.Type); convert != "" {
				fields += pythonSplit("        ", fmt.Sprintf("%q: %s", f.Name, convert), ",") + "\n"
			}
		}
		if fields != "" {
			p.used["structure_of"] = true
			return "structure_of(\n    {\n" + fields + "    }\n)"
		}
	}
	return ""
}

func (p *pythonTypes) convertTuple(into string, elements []kidl.Parameter) string {
	p.used["tuple_of"] = true
	return "tuple_of(" + strings.Join(append([]string{into}, p.convertAll(elements)...), ", ") + ")"
}

func (p *pythonTypes) convertAll(elements []kidl.Parameter) []string {
	var all []string
	for _, e := range elements {
		convert := p.convert(e.Type)
		if convert == "" {
			convert = "None"
		}
		all = append(all, convert)
	}
	return all
}

// result is the type of what a function returns, and how it is made.
func (p *pythonTypes) result(f *kidl.Function) (typ string, arguments []string) {
	arguments = p.convertAll(f.Results)
	switch len(f.Results) {
	case 0:
		return "None", nil
	case 1:
		return p.typ(f.Results[0].Type), arguments
	}
	typ = p.scope.pick(pascal(f.Name) + "Results")
	p.order = append(p.order, typ)
	p.namedTuple(typ, []string{"The results of " + f.FullName() + "."}, f.Results)
	return typ, append(arguments, "into="+typ)
}
