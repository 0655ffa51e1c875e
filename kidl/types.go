package kidl

import "fmt"

// typeExpr reads a type. It gives nil after a fault that it could not mend.
func (p *parser) typeExpr() *TypeExpr {
	if p.depth++; p.depth > maxDepth {
		p.fault(p.tok.at, fmt.Sprintf("types are nested deeper than %d levels: give the inner ones names with typedef", maxDepth))
		p.depth--
		return nil
	}
	defer func() { p.depth-- }()

	t := &TypeExpr{At: p.tok.at}
	ok := true
	switch k := p.tok.kind; k {
	case kwString, kwInt, kwFloat, kwUnspecified:
		t.Kind = scalars[k]
		p.advance()
	case kwList:
		t.Kind = List
		ok = p.listRest(t)
	case kwMapping:
		t.Kind = Mapping
		ok = p.mappingRest(t)
	case kwTuple:
		t.Kind = Tuple
		ok = p.tupleRest(t)
	case kwStructure:
		t.Kind = Structure
		ok = p.structureRest(t)
	default:
		if !k.isName() {
			p.expected("a type")
			return nil
		}
		t.Kind = Named
		ok = p.reference(t)
	}
	if !ok {
		return nil
	}
	return t
}

var scalars = map[kind]Kind{kwString: String, kwInt: Int, kwFloat: Float, kwUnspecified: Unspecified}

func (p *parser) listRest(t *TypeExpr) bool {
	p.advance()
	if !p.expect(angleOpen, `"<" after list`) {
		return false
	}
	item := p.typeExpr()
	if item == nil {
		return false
	}
	t.Params = []ParamExpr{{Type: item}}
	return p.expect(angleClose, `">" after the type of the list's items`)
}

func (p *parser) mappingRest(t *TypeExpr) bool {
	p.advance()
	if !p.expect(angleOpen, `"<" after mapping`) {
		return false
	}
	key, ok := p.param(",")
	if !ok || !p.expect(comma, `"," between the mapping's key and value`) {
		return false
	}
	value, ok := p.param(">")
	if !ok {
		return false
	}
	t.Params = []ParamExpr{key, value}
	return p.expect(angleClose, `">" after the mapping's value`)
}

func (p *parser) tupleRest(t *TypeExpr) bool {
	p.advance()
	if !p.expect(angleOpen, `"<" after tuple`) {
		return false
	}
	for {
		element, ok := p.param(",>")
		if !ok {
			return false
		}
		t.Params = append(t.Params, element)
		if !p.accept(comma) {
			return p.expect(angleClose, `"," or ">" after the tuple's element`)
		}
	}
}

// structureRest reads the fields; a faulty one is left out and the next is read.
func (p *parser) structureRest(t *TypeExpr) bool {
	p.advance()
	opened := p.tok.at.Line
	if !p.expect(braceOpen, `"{" after structure`) {
		return false
	}
	for {
		switch k := p.tok.kind; {
		case k == braceClose:
			p.advance()
			return true
		case k == eof, k == kwModule, k == include, k.isComponent():
			p.expected(fmt.Sprintf(`"}" to close the structure that began on line %d`, opened))
			return false
		}
		before := len(p.refs)
		field, ok := p.field()
		if !ok {
			t.lost = append(t.lost, p.refs[before:]...)
			p.skipField()
			continue
		}
		t.Fields = append(t.Fields, field)
	}
}

func (p *parser) field() (FieldExpr, bool) {
	var f FieldExpr
	if f.Type = p.typeExpr(); f.Type == nil {
		return f, false
	}
	if !p.name(&f.Name, "the field's name", ";") {
		return f, false
	}
	f.End = p.tok.at
	if p.expect(semicolon, `";" after the field `+f.Name.Text) {
		return f, true
	}
	// Only the semicolon is missing if a field or the end could follow.
	return f, p.tok.kind == braceClose || p.tok.kind.isType()
}

// skipField leaves out the rest of a field that cannot be understood.
func (p *parser) skipField() {
	for {
		switch k := p.tok.kind; {
		case k == eof, k == kwModule, k == include, k.isComponent(), k == braceClose:
			return
		case k == semicolon:
			p.advance()
			return
		}
		p.advance()
	}
}

// reference reads the name of a type, perhaps with a module's name before it.
func (p *parser) reference(t *TypeExpr) bool {
	t.unsure = p.tok.afterFault
	t.Name = Ident{At: p.tok.at, Text: p.text()}
	p.advance()
	if p.accept(dot) {
		module := t.Name
		t.Module = &module
		if !p.name(&t.Name, "the name of a type of module "+module.Text, "") {
			return false
		}
	}
	t.unsure = t.unsure || p.tok.afterFault
	p.refs, p.refNext = append(p.refs, t), p.tok.start
	return true
}
