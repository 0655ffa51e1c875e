package kidl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checker turns the tree of one file into modules of the model.
type checker struct {
	loader  *loader
	file    *File
	unit    *unit
	main    bool              // it is not an included file
	visible map[string]*scope // modules that M.Type may name
	blind   bool              // an include could not be read: names may be missing for that

	scope         *scope // of the module at hand
	defining      string // the type at hand
	auth          string // what holds for the functions that follow
	silentModules map[string]bool
	base          int // where the parser's faults begin among the loader's
	faults        int
	deepest       int // how deep the types go that the type at hand refers to
}

// maxChain bounds how long a chain of types that build on one another may be,
// and with it the stack of everybody who follows one.
const maxChain = 1000

// fault reports; only so many, because to propose a remedy takes time.
func (c *checker) fault(at Position, message string) {
	c.unit.faulty = true
	if c.faults++; c.faults < maxFaults {
		c.loader.fault(c.file.Name, at, message)
	} else if c.faults == maxFaults {
		c.loader.fault(c.file.Name, at, "too many faults: checking no further")
	}
}

func (c *checker) warn(at Position, message string) { c.loader.warn(c.file.Name, at, message) }

// check makes the modules; inherited is the comment that the last included file
// has left over.
func (c *checker) check(inherited *Comment) {
	c.silentModules = map[string]bool{}
	for i, decl := range c.file.Modules {
		if i == 0 && c.file.inherit {
			decl.Doc = inherited
		}
		c.module(decl)
	}
}

func (c *checker) module(decl *ModuleDecl) {
	m := &Module{Name: decl.Name.Text, Service: decl.Name.Text, Doc: decl.Doc.doc(), File: c.file.Name, At: decl.Name.At, Types: []*Typedef{}, Functions: []*Function{}}
	if decl.Service != nil {
		m.Service = decl.Service.Text
	}
	c.scope, c.auth = newScope(decl, m, c.file.faulty), "none"
	for _, component := range decl.Components {
		switch d := component.(type) {
		case *TypedefDecl:
			c.typedef(d)
		case *FuncDecl:
			c.function(d)
		case *AuthDecl:
			c.auth = d.Level
		case *fragment:
			c.fragment(d)
		}
	}
	_, twice := c.unit.scopes[m.Name]
	c.visible[m.Name], c.unit.scopes[m.Name] = c.scope, c.scope
	if twice { // the later one takes the place of the first
		i := slices.IndexFunc(c.unit.modules, func(o *Module) bool { return o.Name == m.Name })
		old := c.unit.modules[i]
		c.warn(m.At, fmt.Sprintf("module %s replaces the one of the same name on line %d, with all that is in it", m.Name, old.At.Line))
		c.loader.included = append(c.loader.included, old) // types of other modules may refer to it
		c.unit.modules[i] = m
		return
	}
	c.unit.modules = append(c.unit.modules, m)
}

func (c *checker) typedef(d *TypedefDecl) {
	s := c.scope
	t := &Typedef{Module: s.module.Name, Name: d.Name.Text, Doc: d.Doc.doc(), At: d.Name.At}
	c.defining, c.deepest = t.Name, 0
	if d.Type.Kind == Structure {
		t.Type = c.structure(d.Type)
	} else {
		t.Type = c.typ(d.Type)
	}
	c.defining = ""
	var wrong []error
	t.Annotations, wrong = typeAnnotations(t.Doc, t.Type)
	for _, err := range wrong {
		c.fault(d.Name.At, err.Error())
	}
	c.hints(d.Name.At, t.Doc, t.Type, &t.Annotations)
	t.settle()
	if t.depth = c.deepest + 1; t.depth > maxChain {
		c.fault(d.Name.At, fmt.Sprintf("type %s is the last of more than %d that build on one another", t.Name, maxChain))
		t.Type, t.depth = &Type{Kind: Unspecified}, 1
		t.settle()
	}
	if old, twice := s.types[t.Name]; twice {
		c.fault(d.End, fmt.Sprintf("type %s is already defined on line %d: give one of them another name", t.Name, old.At.Line))
		return
	}
	s.types[t.Name] = t
	s.module.Types = append(s.module.Types, t)
}

func (c *checker) function(d *FuncDecl) {
	s := c.scope
	f := &Function{Module: s.module.Name, Name: d.Name.Text, Doc: d.Doc.doc(), Async: d.Async, Authentication: d.Auth, At: d.Name.At}
	if f.Authentication == "" {
		f.Authentication = c.auth
	}
	var wrong []error
	f.Annotations, wrong = functionAnnotations(f.Doc)
	for _, err := range wrong {
		c.fault(d.Open, err.Error())
	}
	c.hints(d.Name.At, f.Doc, nil, &f.Annotations)
	f.Parameters, f.Results = c.parameters(d.Params), c.parameters(d.Results)
	nameParameters(f.Parameters)
	nameResults(f.Results)
	if s.functions[f.Name] {
		c.fault(d.End, fmt.Sprintf("function %s is already defined: functions are told apart by name only, give one of them another", f.Name))
		return
	}
	s.functions[f.Name] = true
	s.module.Functions = append(s.module.Functions, f)
}

// fragment checks what stands before a syntax fault.
func (c *checker) fragment(d *fragment) {
	if f := d.function; f != nil && f.Open.Line > 0 {
		_, wrong := functionAnnotations(f.Doc.doc())
		for _, err := range wrong {
			c.fault(f.Open, err.Error())
		}
	}
	for _, x := range d.refs {
		c.lookup(x)
	}
}

func (c *checker) parameters(list []ParamExpr) []Parameter {
	all := make([]Parameter, len(list))
	for i, p := range list {
		all[i].Type = c.typ(p.Type)
		if p.Name != nil {
			all[i].Declared = p.Name.Text
		}
	}
	return all
}

// typ is a type anywhere but directly in a typedef.
func (c *checker) typ(x *TypeExpr) *Type {
	t := &Type{Kind: x.Kind}
	switch x.Kind {
	case Named:
		def := c.lookup(x)
		if def == nil {
			name := x.Name.Text
			if x.Module != nil {
				name = x.Module.Text + "." + name
			}
			return &Type{Kind: Unspecified, Missing: name}
		}
		t.Name, t.def = def.FullName(), def
		c.deepest = max(c.deepest, def.depth)
	case List:
		t.Item = c.typ(x.Params[0].Type)
	case Mapping:
		t.Key, t.Value = c.typ(x.Params[0].Type), c.typ(x.Params[1].Type)
	case Tuple:
		t.Elements = c.parameters(x.Params)
		nameElements(t.Elements)
	case Structure:
		const message = "a structure needs a name here: define it above with typedef structure { … } Name; and write Name"
		if c.main {
			c.fault(x.At, message)
		} else {
			c.warn(x.At, message) // nobody generates anything from an included module
		}
		return c.structure(x)
	}
	return t
}

func (c *checker) structure(x *TypeExpr) *Type {
	t := &Type{Kind: Structure, Fields: make([]Field, 0, len(x.Fields))}
	seen := make(map[string]bool, len(x.Fields))
	for _, f := range x.Fields {
		typ := c.typ(f.Type)
		if seen[f.Name.Text] {
			c.fault(f.End, fmt.Sprintf("field %s is already in the structure: give one of them another name", f.Name.Text))
			continue
		}
		seen[f.Name.Text] = true
		t.Fields = append(t.Fields, Field{Name: f.Name.Text, Type: typ, At: f.Name.At})
	}
	for _, ref := range x.lost {
		c.lookup(ref)
	}
	t.settle()
	return t
}

// knownAnnotations are those that mean something.
var knownAnnotations = []string{"optional", "id", "range", "deprecated", "metadata", "searchable"}

// hints warns about annotations that are legal and do nothing. t is nil for a function.
func (c *checker) hints(at Position, doc string, t *Type, a *Annotations) {
	if !strings.Contains(doc, "@") {
		return
	}
	for line := range strings.Lines(doc) {
		rest, starred := strings.CutPrefix(strings.TrimLeft(line, " "), "*")
		if name, ok := strings.CutPrefix(strings.TrimLeft(rest, "* "), "@"); starred && ok {
			if name = firstWord(name); slices.Contains(knownAnnotations, name) {
				c.warn(at, fmt.Sprintf("@%s is not read, because a star stands before it: begin the line with @", name))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Unknown)) {
		if how := nearest(name, knownAnnotations); how != "" && t != nil {
			c.warn(at, fmt.Sprintf("annotation @%s has no meaning%s", name, how))
		}
	}
	if t != nil && a.Optional != nil && t.Kind != Structure {
		c.warn(at, "@optional has no effect: it belongs to the typedef of a structure")
	}
	switch {
	case t == nil || a.Range == nil:
	case t.Kind != Int && t.Kind != Float:
		c.warn(at, "@range has no effect: it belongs to the typedef of an int or float")
	case t.Kind == Int && a.Range.inward().empty():
		c.warn(at, fmt.Sprintf("@range %s holds no integer, so its bounds are taken as inclusive: write [ and ]", a.Range))
	}
}

func firstWord(text string) string {
	if i := strings.IndexAny(text, blanks); i >= 0 {
		return text[:i]
	}
	return text
}
