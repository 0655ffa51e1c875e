package kidl

import "strings"

// name reads an identifier into n. A reserved word that stands before one of the
// marks was clearly meant as a name: it is reported and taken.
func (p *parser) name(n *Ident, what, marks string) bool {
	n.At = p.tok.at
	switch {
	case p.tok.kind.isName():
		n.Text = p.text()
		p.advance()
		return true
	case p.reservedName(marks):
		p.expected(what)
		n.Text = p.text()
		p.advance()
		return true
	}
	p.expected(what)
	return false
}

// reservedName says whether the token is a reserved word before one of the marks.
func (p *parser) reservedName(marks string) bool {
	if !p.tok.kind.isReserved() {
		return false
	}
	rest := strings.TrimLeft(p.lex.src[p.tok.end:], blanks)
	return rest != "" && strings.IndexByte(marks, rest[0]) >= 0
}

func (p *parser) typedef() *TypedefDecl {
	t := &TypedefDecl{Doc: p.takeDoc()}
	p.advance()
	if t.Type = p.typeExpr(); t.Type == nil {
		return nil
	}
	if !p.name(&t.Name, "a name for the type", ";") {
		return nil
	}
	return t
}

// funcdef reads into f and says whether the function is whole enough to be kept.
func (p *parser) funcdef(f *FuncDecl) bool {
	if f.Async = p.accept(kwAsync); f.Async && p.tok.kind != kwFuncdef {
		p.expected("funcdef after async")
		return false
	}
	f.Doc = p.takeDoc()
	p.advance()
	if !p.name(&f.Name, "the function's name", "(") {
		return false
	}
	ok := false
	if p.tok.kind == parenOpen {
		f.Open = p.tok.at
	}
	if f.Params, ok = p.params("the function's name"); !ok {
		return false
	}
	if p.expect(kwReturns, "returns (…), with empty brackets where nothing is returned") {
		if f.Results, ok = p.params("returns"); !ok {
			return p.tok.kind == semicolon
		}
	} else if p.tok.kind != semicolon && p.tok.kind != kwAuthentication {
		return false
	}
	if p.tok.kind == kwAuthentication {
		if f.Auth, ok = p.auth(); !ok {
			return p.tok.kind == semicolon
		}
	}
	return true
}

// auth reads authentication and its level.
func (p *parser) auth() (level string, ok bool) {
	p.advance()
	switch p.tok.kind {
	case kwRequired, kwOptional, kwNone:
		level = p.text()
		p.advance()
		return level, true
	}
	p.expected("required, optional or none after authentication")
	return "", false
}

// params reads a list of parameters with its round brackets.
func (p *parser) params(after string) ([]ParamExpr, bool) {
	if !p.expect(parenOpen, `"(" after `+after) {
		return nil, false
	}
	var all []ParamExpr
	if p.accept(parenClose) {
		return nil, true
	}
	for {
		param, ok := p.param(",)")
		if !ok {
			return nil, false
		}
		all = append(all, param)
		if p.accept(comma) {
			continue
		}
		return all, p.expect(parenClose, `"," or ")"`)
	}
}

// param is a type and perhaps a name, before one of the marks.
func (p *parser) param(marks string) (ParamExpr, bool) {
	t := p.typeExpr()
	if t == nil {
		return ParamExpr{}, false
	}
	if !p.tok.kind.isName() && !p.reservedName(marks) {
		return ParamExpr{Type: t}, true
	}
	n := &Ident{}
	p.name(n, "a name", marks)
	return ParamExpr{Type: t, Name: n}, true
}

// skipComponent leaves out the rest of a component that cannot be understood,
// up to its semicolon or to what must begin another one.
func (p *parser) skipComponent() {
	braces, name := 0, ""
	for {
		switch k := p.tok.kind; {
		case k == eof, k == kwModule, k == include, k.isComponent(), k == braceClose && braces == 0:
			p.broke(name)
			return
		case k == braceOpen:
			braces++
		case k == braceClose:
			braces--
		case k == semicolon && braces == 0:
			p.broke(name)
			p.lex.last = -1
			p.advance()
			return
		case k.isName():
			name = p.text()
		}
		p.advance()
	}
}

// broke notes a type that would exist, had its definition been understood.
func (p *parser) broke(name string) {
	if name != "" {
		p.module.broken[name] = true
	}
}
