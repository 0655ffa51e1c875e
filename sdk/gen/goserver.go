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

// served are a method and its registration.
func (g *goTypes) served(f *kidl.Function, names *methods, receiver string) goMethod {
	m := goMethod{Call: names.plain[f]}
	m.Doc = goDoc(m.Call+" is "+f.FullName()+"."+needsToken(f), f.Doc, f.Annotations)
	var params, locals, types, quoted []string
	scope := newScope(goKeywords, goBuiltins, goServedLocal)
	for _, p := range f.Parameters {
		local := scope.pick(goLocalName(p.Name), goLocalName(p.Name)+"Value")
		typ := g.typ(p.Type, m.Call+goName(p.Name))
		params = append(params, local+" "+typ)
		locals, types, quoted = append(locals, local), append(types, typ), append(quoted, strconv.Quote(p.Name))
	}
	result := ""
	switch len(f.Results) {
	case 0:
		m.Answer = "error"
	case 1:
		result = g.typ(f.Results[0].Type, m.Call+"Result")
		m.Answer = "(" + result + ", error)"
	default:
		name := m.Call + "Results"
		result = g.results(name, "// "+name+" are the results of "+f.FullName()+".", f.Results)
		m.Answer = "(" + result + ", error)"
	}
	m.Signature = strings.Join(append([]string{"ctx context.Context"}, params...), ", ")
	m.Register = goRegister(f, m.Call, params, locals, types, quoted, result)
	m.Stub = goStub(f, m, receiver, result)
	return m
}

// goRegister is the statement that makes a function callable. Where the runtime
// takes the method as it is, it is handed over; else a function stands between.
func goRegister(f *kidl.Function, method string, params, locals, types, quoted []string, result string) string {
	handle, in, pass := "sdk.Handle", "_ sdk.None", locals
	var decode string
	switch n := len(params); {
	case n == 1:
		in = params[0]
	case n == 2 || n == 3:
		handle += strconv.Itoa(n)
		in = strings.Join(params, ", ")
	case n > 3:
		in = "args sdk.Args"
		var into []string
		for i, local := range locals {
			decode += "\nvar " + local + " " + types[i]
			into = append(into, "&"+local)
		}
		decode += "\nif err := args.Decode(" + strings.Join(into, ", ") + "); err != nil {\nreturn ZERO, err\n}"
	}
	options := ""
	if len(quoted) > 0 {
		options = ", sdk.Params(" + strings.Join(quoted, ", ") + ")"
	}
	call := "f." + method + "(" + strings.Join(append([]string{"ctx"}, pass...), ", ") + ")"
	var out, body, zero string
	switch len(f.Results) {
	case 0:
		out, zero, body = "sdk.None,", "sdk.None{}", "return sdk.None{}, "+call
	case 1:
		if len(params) >= 1 && len(params) <= 3 {
			return fmt.Sprintf("%s(m, %q, f.%s%s)", handle, f.Name, method, options)
		}
		out, body = result+",", "return "+call
		if decode != "" {
			out, zero = "result "+result+", _", "result"
		}
	default:
		var values []string
		names := newScope()
		for _, r := range f.Results {
			values = append(values, "result."+names.pick(goName(r.Name)))
		}
		out, zero = "sdk.Results,", "nil"
		body = "result, err := " + call + "\nreturn sdk.Results{" + strings.Join(values, ", ") + "}, err"
	}
	decode = strings.ReplaceAll(decode, "ZERO", zero)
	return fmt.Sprintf("%s(m, %q, func(ctx context.Context, %s) (%s error) {%s\n%s\n}%s)", handle, f.Name, in, out, decode, body, options)
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
