package gen

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// javascriptServed are the names of interface.js that a type could have too.
var javascriptServed = setOf(`Context Functions Service register results names missing`)

// javascriptKinds are what the runtime calls what a parameter has to be.
var javascriptKinds = map[kidl.Kind]string{
	kidl.String: "string", kidl.Int: "integer", kidl.Float: "number", kidl.List: "array", kidl.Tuple: "array",
	kidl.Mapping: "object", kidl.Structure: "object", kidl.Unspecified: "any",
}

// javascriptFunction is a function of the interface as a method of the author's
// object.
type javascriptFunction struct{ Property, Entry, Stub string }

func javascriptServer(u *unit) ([]File, error) {
	if err := u.checkServable(); err != nil {
		return nil, err
	}
	names := ecmaTypesOf(u, javascriptServed)
	var types []string
	for _, t := range u.types {
		types = append(types, names.javascriptType(t))
	}
	methods := newMethods(newScope(ecmaMethods), u.served(), camel)
	var functions []javascriptFunction
	var stubs []string
	for _, f := range u.served() {
		if len(f.Results) > 1 {
			tag := javascriptTypedef(names.tuple(f.Results), names.results[f])
			types = append(types, ecmaDoc("", "The results of "+f.FullName()+".", "", kidl.Annotations{}, tag...))
		}
		served := names.served(f, methods.plain[f])
		functions = append(functions, served)
		stubs = append(stubs, served.Stub)
	}
	generated, err := render("javascript/interface.js.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Module": u.module.Name, "Types": types, "Functions": functions,
	})
	if err != nil {
		return nil, err
	}
	author, err := render("javascript/server.js.tmpl", nil, map[string]any{
		"Module": u.module.Name, "Stubs": stubs, "Quoted": fmt.Sprintf("%q", u.module.Name),
	})
	if err != nil {
		return nil, err
	}
	return []File{
		{Path: "interface.js", Content: generated},
		{Path: "server.js", Content: author, Keep: true},
	}, nil
}

// served are a method, and its registration.
func (e *ecmaNames) served(f *kidl.Function, name string) javascriptFunction {
	locals := newScope(ecmaKeywords, setOf("ctx"))
	params, types := []string{"ctx"}, []string{"ctx: Context"}
	var kinds []string
	for _, p := range f.Parameters {
		local := locals.pick(camel(p.Name), camel(p.Name)+"Value")
		params = append(params, local)
		types = append(types, local+": "+e.typ(p.Type).flat())
		kinds = append(kinds, ecmaKey(p.Name)+": \""+javascriptKinds[p.Type.Base().Kind]+"\"")
	}
	result := e.result(f)
	property := " * @property {(" + strings.Join(types, ", ") + ") => " + result + " | Promise<" + result + ">} " + name
	for _, line := range docLines(f.Doc) {
		if line = strings.TrimLeft(line, " @"); line != "" {
			property += "\n *   " + strings.ReplaceAll(line, "*/", `*\/`)
		}
	}
	parameters := "{}"
	if len(kinds) > 0 {
		parameters = "{\n      " + strings.Join(kinds, ",\n      ") + ",\n    }"
	}
	entry := fmt.Sprintf("  {\n    method: %q,\n    name: %q,\n    parameters: %s,\n    results: %d,\n  },",
		name, f.Name, parameters, len(f.Results))
	doc := ecmaDoc("  ", f.FullName()+"."+needsToken(f), f.Doc, f.Annotations)
	return javascriptFunction{
		Property: property,
		Entry:    entry,
		Stub: doc + "\n" + ecmaList("  ", "async "+name, "(", params, ")", " {") +
			"\n" + ecmaList("    ", "throw new CallError", "(", []string{fmt.Sprintf("%q", f.Name+" is not written yet")}, ")", ";") + "\n  },",
	}
}
