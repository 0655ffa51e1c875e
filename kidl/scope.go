package kidl

import (
	"fmt"
	"strings"
)

// scope is what is known of a module while sources are checked.
type scope struct {
	module    *Module
	types     map[string]*Typedef
	functions map[string]bool
	declared  map[string]Position // all types of the source, also those further down
	silent    map[string]bool     // names that have been reported or stand in what did not parse
	faulty    bool                // faults in its file may be why something is missing
}

func newScope(decl *ModuleDecl, m *Module, faulty bool) *scope {
	s := &scope{module: m, types: map[string]*Typedef{}, functions: map[string]bool{}, declared: map[string]Position{}, silent: map[string]bool{}, faulty: faulty}
	for name := range decl.broken {
		s.silent[name] = true
	}
	for _, c := range decl.Components {
		if t, ok := c.(*TypedefDecl); ok {
			if _, twice := s.declared[t.Name.Text]; !twice {
				s.declared[t.Name.Text] = t.Name.At
			}
		}
	}
	return s
}

// lookup finds the typedef that x names, else reports why there is none.
func (c *checker) lookup(x *TypeExpr) *Typedef {
	s := c.scope
	if x.Module != nil && x.Module.Text != s.module.Name {
		other, ok := c.visible[x.Module.Text]
		if !ok {
			c.unknownModule(x)
			return nil
		}
		s = other
	}
	if t, ok := s.types[x.Name.Text]; ok {
		return t
	}
	if !x.unsure && !s.silent[x.Name.Text] && (s == c.scope || !s.faulty) && c.faults < maxFaults {
		c.fault(x.Name.At, c.unknownType(s, x.Name)+c.alongside(x))
	}
	s.silent[x.Name.Text] = true
	return nil
}

// alongside takes back the parser's fault about what follows a reference that is
// unknown anyway: it is one mistake, and KBase's compiler sees the name first.
func (c *checker) alongside(x *TypeExpr) string {
	if x.fault == 0 {
		return ""
	}
	f := &c.loader.faults[c.base+x.fault-1]
	also := " (after it " + f.Message + ")"
	f.Message = ""
	return also
}

func (c *checker) unknownModule(x *TypeExpr) {
	name := x.Module.Text
	if !x.unsure && !c.blind && !c.silentModules[name] {
		var known []string
		for k := range c.visible {
			known = append(known, k)
		}
		how := nearest(name, known)
		if how == "" {
			how = "; include the file that defines it: #include <" + name + ".spec>"
		}
		c.fault(x.Name.At, fmt.Sprintf("module %s is not known here%s", name, how)+c.alongside(x))
	}
	c.silentModules[name] = true
}

// unknownType says what is wrong with a name and what to do.
func (c *checker) unknownType(s *scope, name Ident) string {
	text := name.Text
	if s != c.scope {
		var known []string
		for k := range s.types {
			known = append(known, k)
		}
		return fmt.Sprintf("type %s is not defined in module %s%s", text, s.module.Name, nearest(text, known))
	}
	if text == c.defining {
		return fmt.Sprintf("type %s refers to itself: a type can only use types that are defined above it", text)
	}
	if at, ok := s.declared[text]; ok && name.At.before(at) {
		return fmt.Sprintf("type %s is used before its definition on line %d: move the definition up", text, at.Line)
	}
	var known []string
	for k := range s.types {
		known = append(known, k)
	}
	known = append(known, "string", "int", "float", "UnspecifiedObject", "list", "mapping", "tuple", "structure")
	how := foreign[strings.ToLower(text)]
	if how == "" {
		how = nearest(text, known)
	}
	return fmt.Sprintf("type %s is not defined%s", text, how)
}

// foreign are words of other languages and what to write instead.
var foreign = map[string]string{
	"bool":    "; KIDL has no bool: write typedef int boolean; and use 0 and 1",
	"boolean": "; KIDL has no boolean of its own: write typedef int boolean; above",
	"double":  "; write float", "number": "; write float or int", "real": "; write float",
	"integer": "; write int", "long": "; write int",
	"str": "; write string", "text": "; write string", "char": "; write string",
	"dict": "; write mapping<string, …>", "map": "; write mapping<string, …>", "hash": "; write mapping<string, …>",
	"array": "; write list<…>", "vector": "; write list<…>",
	"object": "; write UnspecifiedObject", "any": "; write UnspecifiedObject", "json": "; write UnspecifiedObject",
	"struct": "; write structure",
	"void":   "; leave the brackets empty where nothing is passed",
}
