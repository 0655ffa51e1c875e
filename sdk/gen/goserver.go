package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// goServed are the names of a module's program that a type could have too.
var goServed = setOf(`Functions`)

// goServedLocal are the names that the registration of a function uses itself.
var goServedLocal = setOf(`ctx m f s args result err sdk json context`)

// goMethod is a function of the interface as a method of the author's type.
type goMethod struct {
	Call, Doc, Signature, Answer string
	Register                     string // the statement that makes it callable
	Stub                         string // the method with nothing done
}

func goServer(u *unit) ([]File, error) {
	types := newGoTypes(u, goServed, "sdk.EncodeTuple", "sdk.DecodeTuple", true)
	names := newMethods(newScope(), u.served(), goName)
	var functions []goMethod
	var stubs []string
	paramsNeedJSON := false
	for _, f := range u.served() {
		m := types.served(f, names, goAuthorType(u))
		functions = append(functions, m)
		stubs = append(stubs, m.Stub)
		paramsNeedJSON = paramsNeedJSON || strings.Contains(m.Stub, "json.RawMessage")
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
	generated, err := goSource("interface.go.tmpl", map[string]any{
		"Banner": u.banner(), "Package": "main", "Imports": imports, "Module": u.module.Name,
		"Functions": functions, "Types": declared,
	})
	if err != nil {
		return nil, err
	}
	imports = []string{"github.com/dynsvc/dynsvc/sdk"}
	author, err := goSource("main.go.tmpl", map[string]any{
		"Package": "main", "Imports": imports, "Module": u.module.Name, "Quoted": strconv.Quote(u.module.Name),
		"Type": goAuthorType(u), "Stubs": stubs,
	})
	if err != nil {
		return nil, err
	}
	if paramsNeedJSON {
		author = []byte(strings.Replace(string(author), "\t\"context\"\n", "\t\"context\"\n\t\"encoding/json\"\n", 1))
	}
	return []File{{Path: "interface.go", Content: generated}, {Path: "main.go", Content: author, Keep: true}}, nil
}

// goAuthorType is the name of the type that the author's methods belong to.
func goAuthorType(u *unit) string {
	name := goLocalName(u.module.Name)
	if goKeywords[name] || goBuiltins[name] || goServedLocal[name] || name == "main" || name == "register" || name == "os" {
		name += "Module"
	}
	return name
}

// goServedFunction is a function whose registration is written.
type goServedFunction struct {
	name    string // in the interface
	method  string
	params  []goParam
	results []string // names of the fields of the result, where there are several
	result  string   // the type; empty: there is none
}

type goParam struct{ name, local, typ string }

// served are a method and its registration.
func (g *goTypes) served(f *kidl.Function, names *methods, receiver string) goMethod {
	s := goServedFunction{name: f.Name, method: names.plain[f]}
	m := goMethod{Call: s.method, Answer: "error"}
	m.Doc = goDoc(m.Call+" is "+f.FullName()+"."+needsToken(f), f.Doc, f.Annotations)
	m.Signature = "ctx context.Context"
	scope := newScope(goKeywords, goBuiltins, goServedLocal)
	for _, p := range f.Parameters {
		local := scope.pick(goLocalName(p.Name), goLocalName(p.Name)+"Value")
		typ := g.typ(p.Type, m.Call+goName(p.Name))
		s.params = append(s.params, goParam{p.Name, local, typ})
		m.Signature += ", " + local + " " + typ
	}
	switch len(f.Results) {
	case 0:
	case 1:
		s.result = g.typ(f.Results[0].Type, m.Call+"Result")
	default:
		name := m.Call + "Results"
		s.result = g.results(name, "// "+name+" are the results of "+f.FullName()+".", f.Results)
		fields := newScope()
		for _, r := range f.Results {
			s.results = append(s.results, fields.pick(goName(r.Name)))
		}
	}
	if s.result != "" {
		m.Answer = "(" + s.result + ", error)"
	}
	m.Register = s.register()
	m.Stub = goStub(f, m, receiver, s.result)
	return m
}

// register is the statement that makes a function callable. Where the runtime
// takes the method as it is, it is handed over; else a function stands between.
func (s goServedFunction) register() string {
	handle, in, decode := "sdk.Handle", "_ sdk.None", ""
	var list, locals, quoted []string
	for _, p := range s.params {
		list = append(list, p.local+" "+p.typ)
		locals = append(locals, p.local)
		quoted = append(quoted, strconv.Quote(p.name))
	}
	options := ""
	if len(quoted) > 0 {
		options = ", sdk.Params(" + strings.Join(quoted, ", ") + ")"
	}
	switch n := len(s.params); {
	case n == 1:
		in = list[0]
	case n == 2 || n == 3:
		handle += strconv.Itoa(n)
		in = strings.Join(list, ", ")
	case n > 3:
		in = "args sdk.Args"
		decode = "\nvar " + strings.Join(list, "\nvar ") +
			"\nif err := args.Decode(&" + strings.Join(locals, ", &") + "); err != nil {\nreturn ZERO, err\n}"
	}
	call := "f." + s.method + "(" + strings.Join(append([]string{"ctx"}, locals...), ", ") + ")"
	var out, zero, body string
	switch {
	case s.result == "":
		out, zero, body = "sdk.None,", "sdk.None{}", "return sdk.None{}, "+call
	case s.results != nil:
		out, zero = "sdk.Results,", "nil"
		body = "result, err := " + call + "\nreturn sdk.Results{result." + strings.Join(s.results, ", result.") + "}, err"
	case decode != "":
		out, zero, body = "result "+s.result+", _", "result", "return "+call
	case len(s.params) > 0:
		return fmt.Sprintf("%s(m, %q, f.%s%s)", handle, s.name, s.method, options)
	default:
		out, body = s.result+",", "return "+call
	}
	decode = strings.ReplaceAll(decode, "ZERO", zero)
	return fmt.Sprintf("%s(m, %q, func(ctx context.Context, %s) (%s error) {%s\n%s\n}%s)",
		handle, s.name, in, out, decode, body, options)
}

// goStub is a method of the author with nothing done.
func goStub(f *kidl.Function, m goMethod, receiver, result string) string {
	text := fmt.Sprintf("%s\nfunc (*%s) %s(%s) %s {\n", m.Doc, receiver, m.Call, m.Signature, m.Answer)
	refusal := fmt.Sprintf("sdk.Errorf(%q)", f.Name+" is not written yet")
	if result == "" {
		return text + "\treturn " + refusal + "\n}"
	}
	return text + "\tvar result " + result + "\n\treturn result, " + refusal + "\n}"
}
