package gen

import (
	"fmt"
	"go/format"
	"slices"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

var (
	goKeywords = setOf(`break case chan const continue default defer else fallthrough for func go goto if import
		interface map package range return select struct switch type var`)
	goBuiltins = setOf(`any append bool byte cap clear close cmp comparable complex copy delete error false float64
		int int64 iota len make map max min new nil panic print println rune string true`)
	// goRuntime are the names of templates/go that a type could have too.
	goRuntime = setOf(`Client New Options RPCError TransportError ErrCancelled Job JobStatus OpenJob None DefaultVersion
		StateQueued StateRunning StateDone StateFailed StateDead StateCancelled`)
	// goLocal are the names that a generated method uses itself.
	goLocal = setOf(`c ctx err progress call run submit list mapping json context moduleName userAgent`)
	// goInitialisms are written in capitals, as Go's own linters ask for.
	goInitialisms = setOf(`acl api ascii cpu css dns eof gid guid html http https id ip json qps ram rpc sla smtp sql ssh
		tcp tls ttl udp ui uid uri url utf8 uuid vm xml xmpp xsrf xss`)
)

// goTypes are the types of a unit as Go declares them.
type goTypes struct {
	scope *scope
	names map[*kidl.Typedef]string
	decls []goDecl
	json  bool // whether encoding/json is needed

	encode, decode string // what reads and writes tuples
	plain          bool   // several results are a struct, which somebody else encodes
}

// goDecl is the declaration of a type.
type goDecl struct {
	Name, Doc      string
	Form           string // alias, struct, tuple
	Type           string // of an alias
	Fields         []goField
	Results        bool   // the several results of a function
	Encode, Decode string // of a tuple
}

// HasEmpty reports whether a field must not be null.
func (d goDecl) HasEmpty() bool {
	return slices.ContainsFunc(d.Fields, func(f goField) bool { return f.Empty != "" })
}

type goField struct {
	Name, Type, Tag string
	Empty           string // the value to send for nil; empty: as it is
}

func newGoTypes(u *unit, reserved set, encode, decode string, plain bool) *goTypes {
	g := &goTypes{scope: newScope(reserved), names: map[*kidl.Typedef]string{}, encode: encode, decode: decode, plain: plain}
	// The names of the interface come before those that are made for its parts.
	for _, own := range []bool{true, false} {
		for _, t := range u.types {
			if u.foreign(t) != own {
				name := goName(t.Name)
				g.names[t] = g.scope.pick(name, goName(t.Module)+name)
			}
		}
	}
	for _, t := range u.types {
		g.typedef(t)
	}
	return g
}

func (g *goTypes) typedef(t *kidl.Typedef) {
	d := goDecl{Name: g.names[t], Doc: goDoc("", t.Doc, t.Annotations)}
	switch t.Type.Kind {
	case kidl.Structure:
		d.Form = "struct"
		fields := newScope()
		for _, f := range t.Type.Fields {
			name := fields.pick(goName(f.Name))
			field := goField{Name: name, Type: g.typ(f.Type, d.Name+name)}
			base := f.Type.Base().Kind
			nilable := base == kidl.List || base == kidl.Mapping || base == kidl.Unspecified
			omit := ""
			switch {
			case f.Optional && nilable:
				omit = ",omitzero"
			case f.Optional:
				omit = ",omitempty"
				field.Type = "*" + field.Type
			default:
				field.Empty = g.empty(f.Type, field.Type)
			}
			field.Tag = "`json:" + strconv.Quote(f.Name+omit) + "`"
			d.Fields = append(d.Fields, field)
		}
		g.json = g.json || d.HasEmpty()
	case kidl.Tuple:
		d.Form = "tuple"
		d.Fields = g.elements(t.Type.Elements, d.Name)
		d.Encode, d.Decode = g.encode, g.decode
	default:
		d.Form = "alias"
		d.Type = g.typ(t.Type, d.Name)
	}
	g.decls = append(g.decls, d)
}

// elements are the fields of what is a list in JSON.
func (g *goTypes) elements(list []kidl.Parameter, context string) []goField {
	var fields []goField
	names := newScope()
	for _, e := range list {
		name := names.pick(goName(e.Name))
		typ := g.typ(e.Type, context+name)
		fields = append(fields, goField{Name: name, Type: typ, Empty: g.empty(e.Type, typ)})
	}
	return fields
}

// results declares the type of several results.
func (g *goTypes) results(name, doc string, list []kidl.Parameter) string {
	name = g.scope.pick(name)
	d := goDecl{Name: name, Doc: doc, Form: "tuple", Results: true, Encode: g.encode, Decode: g.decode}
	d.Fields = g.elements(list, name)
	if g.plain {
		d.Form = "struct"
		for i := range d.Fields {
			d.Fields[i].Empty = ""
		}
	}
	g.decls = append(g.decls, d)
	return name
}

// empty is the value that stands for nil, where there is one.
func (g *goTypes) empty(t *kidl.Type, typ string) string {
	if kind := t.Base().Kind; kind == kidl.List || kind == kidl.Mapping {
		return typ + "{}"
	}
	return ""
}

// typ is a type as Go has it. A tuple without a name gets one from its context.
func (g *goTypes) typ(t *kidl.Type, context string) string {
	switch t.Kind {
	case kidl.String:
		return "string"
	case kidl.Int:
		return "int64"
	case kidl.Float:
		return "float64"
	case kidl.List:
		return "[]" + g.typ(t.Item, context+"Item")
	case kidl.Mapping:
		key := "string" // as it is in JSON
		if t.Key.Base().Kind == kidl.String {
			key = g.typ(t.Key, context+"Key")
		}
		return "map[" + key + "]" + g.typ(t.Value, context+"Value")
	case kidl.Tuple:
		name := g.scope.pick(context)
		g.decls = append(g.decls, goDecl{
			Name: name, Doc: "// " + name + " is " + t.String() + ".", Form: "tuple",
			Fields: g.elements(t.Elements, name), Encode: g.encode, Decode: g.decode,
		})
		return name
	case kidl.Named:
		return g.names[t.Typedef()]
	}
	g.json = true
	return "json.RawMessage"
}

// goFunction is a function of the interface as a method.
type goFunction struct {
	Call, Run, Submit string
	Doc               string
	Quoted            string // its name in the interface
	Signature         string // from ctx on
	Arguments         string // with a comma before each
	Type              string // of all results
	Answer            string
	Void              bool
}

func goClient(u *unit) ([]File, error) {
	pkg := goPackage(u)
	types := newGoTypes(u, goRuntime, "encodeTuple", "decodeTuple", false)
	methods := newMethods(newScope(), u.module.Functions, goName)
	var functions []goFunction
	for _, f := range u.module.Functions {
		functions = append(functions, types.function(f, methods))
	}
	declared, err := types.render()
	if err != nil {
		return nil, err
	}
	var imports []string
	if len(functions) > 0 {
		imports = append(imports, "context")
	}
	if types.json {
		imports = append(imports, "encoding/json")
	}
	doc := goDoc("Package "+pkg+" calls the module "+u.module.Name+".", u.module.Doc, kidl.Annotations{})
	module, err := goSource("client.go.tmpl", map[string]any{
		"Banner": u.banner(), "PackageDoc": doc, "Package": pkg, "Version": strconv.Quote(u.opts.Version),
		"Module": strconv.Quote(u.module.Name), "ModuleName": u.module.Name, "Agent": strconv.Quote(u.agent()),
		"Functions": functions, "Types": declared, "Imports": imports,
	})
	if err != nil {
		return nil, err
	}
	runtime, err := verbatim("go/runtime.go.tmpl", "BANNER", u.banner(), "PACKAGE", pkg)
	if err != nil {
		return nil, err
	}
	if runtime, err = format.Source(runtime); err != nil {
		return nil, fmt.Errorf("format the runtime: %w", err)
	}
	return []File{
		{Path: pkg + "/client.go", Content: module},
		{Path: pkg + "/runtime.go", Content: runtime},
	}, nil
}

// goPackage is the name of the package.
func goPackage(u *unit) string {
	name := u.opts.Package
	if name == "" {
		name = u.module.Name
	}
	name = strings.ToLower(strings.Join(words(name), ""))
	if goKeywords[name] || goBuiltins[name] || name == "main" || name == "init" {
		name += "client"
	}
	return name
}

// function names the methods for a function, and declares what they need.
func (g *goTypes) function(f *kidl.Function, names *methods) goFunction {
	name := goName(f.Name)
	m := goFunction{Call: names.plain[f], Run: names.pick("Run" + name), Submit: names.pick("Submit" + name)}
	m.Quoted = strconv.Quote(f.Name)
	m.Doc = goDoc(m.Call+" calls "+f.FullName()+"."+goRemarks(f, m), f.Doc, f.Annotations)
	params, args := g.parameters(f.Parameters, m.Call)
	m.Signature = strings.Join(append([]string{"ctx context.Context"}, params...), ", ")
	for _, arg := range args {
		m.Arguments += ", " + arg
	}
	m.Type = g.result(f, m.Call)
	m.Void = m.Type == "None"
	m.Answer = "(" + m.Type + ", error)"
	if m.Void {
		m.Answer = "error"
	}
	return m
}

// parameters are the parameters of a method, and what it hands on.
func (g *goTypes) parameters(list []kidl.Parameter, method string) (params, args []string) {
	locals := newScope(goKeywords, goBuiltins, goLocal)
	for _, p := range list {
		name := locals.pick(goLocalName(p.Name), goLocalName(p.Name)+"Value")
		typ := g.typ(p.Type, method+goName(p.Name))
		params = append(params, name+" "+typ)
		switch p.Type.Base().Kind {
		case kidl.List:
			name = "list(" + name + ")"
		case kidl.Mapping:
			name = "mapping(" + name + ")"
		}
		args = append(args, name)
	}
	return params, args
}

// result is the type of all that a function returns.
func (g *goTypes) result(f *kidl.Function, method string) string {
	switch len(f.Results) {
	case 0:
		return "None"
	case 1:
		return g.typ(f.Results[0].Type, method+"Result")
	}
	name := method + "Results"
	return g.results(name, "// "+name+" are the results of "+f.FullName()+".", f.Results)
}

// goRemarks say what the signature of a function does not.
func goRemarks(f *kidl.Function, m goFunction) string {
	text := needsToken(f)
	if f.Async {
		text += " It may take long: " + m.Run + " and " + m.Submit + " make a job of it."
	}
	return text
}

func (g *goTypes) render() (string, error) {
	text, err := render("go/types.go.tmpl", nil, g.decls)
	return string(text), err
}

// goSource renders and formats a file.
func goSource(name string, data any) ([]byte, error) {
	text, err := render("go/"+name, nil, data)
	if err != nil {
		return nil, err
	}
	formatted, err := format.Source(text)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", name, err)
	}
	return formatted, nil
}

// goDoc is a doc comment: a first sentence, what the interface says, and whether
// it is deprecated. It is empty where there is nothing to say.
func goDoc(first, doc string, a kidl.Annotations) string {
	var paragraphs [][]string
	if first != "" {
		paragraphs = append(paragraphs, []string{first})
	}
	if lines := docLines(doc); len(lines) > 0 {
		paragraphs = append(paragraphs, lines)
	}
	if a.Deprecated != nil {
		text := "Deprecated: do not use it any more."
		if a.Deprecated.Replacement != "" {
			text = "Deprecated: use " + a.Deprecated.Replacement + "."
		}
		paragraphs = append(paragraphs, []string{text})
	}
	var lines []string
	for i, p := range paragraphs {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, p...)
	}
	return prefixed("// ", lines)
}

// goName is an exported name.
func goName(name string) string {
	var b strings.Builder
	for _, word := range split(name) {
		if lower := strings.ToLower(word); goInitialisms[lower] {
			b.WriteString(strings.ToUpper(word))
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// goLocalName is the name of a parameter.
func goLocalName(name string) string {
	all := split(name)
	for i, word := range all {
		lower := strings.ToLower(word)
		switch {
		case i == 0:
			all[i] = lower
		case goInitialisms[lower]:
			all[i] = strings.ToUpper(word)
		default:
			all[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(all, "")
}
