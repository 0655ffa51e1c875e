package kidl

import (
	"errors"
	"io"
)

// ErrFaulty is the answer of [File.Print] for a file that did not parse.
var ErrFaulty = errors.New("a file with syntax faults cannot be printed")

// Print writes the file in its standard layout: the same words in the same
// order, with every comment between the words where it was. Parsing what was
// printed gives an equal tree, and printing that the same bytes.
func (f *File) Print(w io.Writer) error {
	if f.faulty {
		return ErrFaulty
	}
	p := printer{comments: f.Comments, start: true}
	for _, line := range f.Includes {
		p.word("#include <" + line.Path + ">")
		p.newline()
	}
	for i, m := range f.Modules {
		if i > 0 || len(f.Includes) > 0 {
			p.blank()
		}
		p.module(m)
	}
	p.flush()
	if !p.start {
		p.newline()
	}
	_, err := w.Write(p.out)
	return err
}

func (p *printer) module(m *ModuleDecl) {
	p.word("module")
	if m.Service != nil {
		p.word(m.Service.Text)
		p.word(":")
	}
	p.word(m.Name.Text)
	p.word("{")
	p.level++
	p.newline()
	var before Component
	for _, c := range m.Components {
		// Short definitions of one sort stand together.
		if !short(c) || !short(before) || p.commented() {
			p.blank()
		}
		p.component(c)
		p.sign(";")
		p.newline()
		before = c
	}
	p.flush()
	p.level--
	p.word("}")
	p.sign(";")
	p.newline()
}

// short says whether a component is a typedef of one line.
func short(c Component) bool {
	t, ok := c.(*TypedefDecl)
	return ok && t.Type.Kind != Structure
}

func (p *printer) component(c Component) {
	switch d := c.(type) {
	case *TypedefDecl:
		p.word("typedef")
		p.typ(d.Type)
		p.word(d.Name.Text)
	case *FuncDecl:
		if d.Async {
			p.word("async")
		}
		p.word("funcdef")
		p.word(d.Name.Text)
		p.sign("(")
		p.params(d.Params)
		p.sign(")")
		p.word("returns")
		p.word("(")
		p.params(d.Results)
		p.sign(")")
		if d.Auth != "" {
			p.word("authentication")
			p.word(d.Auth)
		}
	case *AuthDecl:
		p.word("authentication")
		p.word(d.Level)
	}
}

func (p *printer) params(list []ParamExpr) {
	for i, param := range list {
		if i > 0 {
			p.sign(",")
		}
		p.typ(param.Type)
		if param.Name != nil {
			p.word(param.Name.Text)
		}
	}
}

func (p *printer) typ(t *TypeExpr) {
	switch t.Kind {
	case List, Mapping, Tuple:
		p.word(string(t.Kind))
		p.sign("<")
		p.params(t.Params)
		p.sign(">")
	case Structure:
		p.word("structure")
		p.word("{")
		if len(t.Fields) > 0 {
			p.level++
			p.newline()
			for _, f := range t.Fields {
				p.typ(f.Type)
				p.word(f.Name.Text)
				p.sign(";")
				p.newline()
			}
			p.flush()
			p.level--
		}
		p.word("}")
	case Named:
		if t.Module != nil {
			p.word(t.Module.Text)
			p.sign(".")
		}
		p.word(t.Name.Text)
	default:
		p.word(string(t.Kind))
	}
}
