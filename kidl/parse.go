package kidl

import "fmt"

const (
	// maxDepth bounds how deep types nest, and with it the parser's stack.
	maxDepth = 200
	// maxSource is far beyond any interface that people have written.
	maxSource = 8 << 20
	// maxFaults is where a file is given up: it is probably no KIDL at all.
	maxFaults = 100
)

// Parse reads one file without its includes. The tree holds what could be
// understood, also when the error, of type [Faults], is not nil.
func Parse(name string, src []byte) (*File, error) {
	f, faults := parse(name, src)
	return f, faults.sorted(name).err()
}

func parse(name string, src []byte) (*File, Faults) {
	p := &parser{file: &File{Name: name}, complained: -1}
	if len(src) > maxSource {
		p.file.faulty = true
		p.fault(Position{Line: 1, Col: 1}, fmt.Sprintf("expected an interface of at most %d bytes, found %d", maxSource, len(src)))
		return p.file, p.faults
	}
	p.lex = newLexer(string(src), p.fault)
	p.advance()
	p.spec()
	p.file.Comments = p.lex.comments
	p.file.trailing = p.takeDoc()
	p.file.faulty = len(p.faults) > 0
	return p.file, p.faults
}

type parser struct {
	lex    lexer
	tok    token // the next one, not yet consumed
	file   *File
	faults Faults
	depth  int
	module *ModuleDecl // being read

	refs    []*TypeExpr // references in the component, in order
	refNext int         // start of the token after the last of them

	unclosed   int // modules whose closing brace may still come
	complained int // start of the token that was reported last: once is enough
}

func (p *parser) fault(at Position, message string) {
	switch {
	case len(p.faults) < maxFaults:
		p.faults = append(p.faults, Fault{File: p.file.Name, Line: at.Line, Col: at.Col, Message: message})
	case len(p.faults) == maxFaults:
		p.faults = append(p.faults, Fault{File: p.file.Name, Line: at.Line, Col: at.Col, Message: "too many faults: reading no further"})
		p.lex.stopped = true
	}
}

func (p *parser) advance() { p.tok = p.lex.next() }

func (p *parser) text() string { return p.lex.src[p.tok.start:p.tok.end] }

// expected reports the next token, unless it or something before it was reported.
func (p *parser) expected(what string) {
	if p.tok.afterFault || p.tok.start == p.complained {
		return
	}
	p.complained = p.tok.start
	p.fault(p.tok.at, fmt.Sprintf("expected %s, found %s", what, p.tok.describe(p.lex.src)))
	if n := len(p.refs); n > 0 && p.refNext == p.tok.start {
		p.refs[n-1].fault = len(p.faults)
	}
}

// accept consumes the next token if it is of kind k.
func (p *parser) accept(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.advance()
	return true
}

// expect consumes a token of kind k or reports.
func (p *parser) expect(k kind, what string) bool {
	if p.accept(k) {
		return true
	}
	p.expected(what)
	return false
}

// takeDoc gives the last comment to the definition that begins here.
func (p *parser) takeDoc() *Comment {
	i := p.lex.last
	p.lex.last = -1
	if i < 0 {
		return nil
	}
	c := p.lex.comments[i]
	return &c
}

// spec is the whole file: includes, then modules.
func (p *parser) spec() {
	for {
		switch p.tok.kind {
		case eof:
			return
		case include:
			p.include()
		case kwModule:
			p.moduleDecl()
		default:
			if p.unclosed > 0 && p.tok.kind == braceClose {
				p.unclosed--
				p.advance()
				p.accept(semicolon)
				continue
			}
			p.expected("module or the end of the file")
			p.skipToModule()
		}
	}
}

// skipToModule leaves out what no module encloses.
func (p *parser) skipToModule() {
	for p.tok.kind != eof && p.tok.kind != kwModule && p.tok.kind != include {
		p.advance()
	}
}

func (p *parser) include() {
	if len(p.file.Modules) > 0 {
		p.fault(p.tok.at, "expected module or the end of the file, found an #include line: includes stand before the first module")
	}
	text := p.text()
	p.file.Includes = append(p.file.Includes, &IncludeLine{At: p.tok.at, Path: text[includePath(text) : len(text)-1]})
	// Reading the included file forgets what came before, so only comments
	// that follow the line can become a doc.
	p.lex.last = -1
	p.file.inherit = true
	p.advance()
}

// includePath is where the path begins in an #include line.
func includePath(line string) int {
	for i := range len(line) {
		if line[i] == '<' {
			return i + 1
		}
	}
	return 0
}

func (p *parser) moduleDecl() {
	m := &ModuleDecl{broken: map[string]bool{}}
	p.module = m
	m.Doc = p.takeDoc()
	if len(p.file.Modules) == 0 {
		p.file.inherit = p.file.inherit && m.Doc == nil
	}
	p.file.Modules = append(p.file.Modules, m)
	opened := p.tok.at.Line
	p.advance()
	ok := p.name(&m.Name, "the module's name", ":{")
	if ok && p.tok.kind == colon {
		p.advance()
		service := m.Name
		m.Service = &service
		ok = p.name(&m.Name, "the module's name after the service's", "{")
	}
	if !ok || !p.expect(braceOpen, `"{" after the module's name`) {
		for p.tok.kind != eof && p.tok.kind != kwModule && p.tok.kind != braceOpen && !p.tok.kind.isComponent() {
			p.advance()
		}
		p.accept(braceOpen)
	}
	for p.tok.kind != braceClose {
		if p.tok.kind == eof || p.tok.kind == kwModule {
			p.expected(fmt.Sprintf(`"};" to close the module that began on line %d`, opened))
			p.unclosed++
			return
		}
		p.componentDecl()
	}
	p.advance()
	p.expect(semicolon, `";" after the "}" of the module`)
}

// componentDecl reads one component of the module and its semicolon.
func (p *parser) componentDecl() {
	p.refs, p.refNext = nil, -1
	var c Component
	var end *Position
	var f *FuncDecl
	var after string
	switch p.tok.kind {
	case kwTypedef:
		t := p.typedef()
		if t != nil {
			c, end = t, &t.End
		}
		after = "the typedef"
	case kwFuncdef, kwAsync:
		f = &FuncDecl{}
		if p.funcdef(f) {
			c, end = f, &f.End
		}
		after = "the funcdef"
	case kwAuthentication:
		level, ok := p.auth()
		if ok {
			c = &AuthDecl{Level: level}
		}
		after = "the authentication"
	case include:
		p.include()
		return
	default:
		p.expected(`typedef, funcdef, authentication or "}"`)
	}
	if c == nil {
		if p.refs != nil || f != nil {
			p.module.Components = append(p.module.Components, &fragment{refs: p.refs, function: f})
		}
		p.skipComponent()
		return
	}
	if end != nil {
		*end = p.tok.at
	}
	p.module.Components = append(p.module.Components, c)
	if p.tok.kind == semicolon {
		if end != nil {
			p.lex.last = -1 // what was said inside a definition is nobody's doc
		}
		p.advance()
		return
	}
	p.expected(`";" after ` + after)
	if k := p.tok.kind; !k.isComponent() && k != braceClose && k != kwAsync && k != kwModule {
		p.skipComponent()
	}
}
