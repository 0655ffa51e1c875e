package gen

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

func javascriptClient(u *unit) ([]File, error) {
	names := ecmaTypesOf(u, ecmaRuntime)
	var types []string
	for _, t := range u.types {
		types = append(types, names.javascriptType(t))
	}
	methods := newMethods(newScope(ecmaMethods), u.module.Functions, camel)
	var code []string
	for _, f := range u.module.Functions {
		if len(f.Results) > 1 {
			tag := javascriptTypedef(names.tuple(f.Results), names.results[f])
			types = append(types, ecmaDoc("", "The results of "+f.FullName()+".", "", kidl.Annotations{}, tag...))
		}
		code = append(code, names.javascriptMethods(f, methods)...)
	}
	imported := `import { Caller } from "./runtime.js";`
	if len(code) > 0 {
		imported = `import { Caller, Job } from "./runtime.js";`
	}
	pkg := ecmaPackage(u)
	index, err := render("javascript/index.js.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Doc": ecmaDoc("", "Calls the module "+u.module.Name+".", u.module.Doc, kidl.Annotations{}, "@module"),
		"Import": imported, "Version": fmt.Sprintf("%q", u.opts.Version), "Types": types, "Module": u.module.Name, "Methods": code,
	})
	if err != nil {
		return nil, err
	}
	runtime, err := verbatim("javascript/runtime.js.tmpl", "BANNER", u.banner(), "$MODULE", u.module.Name, "$AGENT", u.agent())
	if err != nil {
		return nil, err
	}
	manifest, err := render("javascript/package.json.tmpl", nil, map[string]any{
		"Name": fmt.Sprintf("%q", pkg+"-client"), "Description": fmt.Sprintf("%q", "Calls the module "+u.module.Name+"."),
	})
	if err != nil {
		return nil, err
	}
	return []File{
		{Path: pkg + "/index.js", Content: index},
		{Path: pkg + "/package.json", Content: manifest},
		{Path: pkg + "/runtime.js", Content: runtime},
	}, nil
}

// javascriptType declares a type in a comment.
func (e *ecmaNames) javascriptType(t *kidl.Typedef) string {
	name := e.names[t]
	if t.Type.Kind != kidl.Structure || len(t.Type.Fields) == 0 {
		typ := e.typ(t.Type)
		if t.Type.Kind == kidl.Structure {
			typ = ecmaType{text: "{ [key: string]: unknown }"}
		}
		return ecmaDoc("", "", t.Doc, t.Annotations, javascriptTypedef(typ, name)...)
	}
	// Tags cannot name all keys that there may be.
	plain := true
	for _, f := range t.Type.Fields {
		plain = plain && ecmaKey(f.Name) == f.Name
	}
	var tags []string
	if plain {
		tags = append(tags, "@typedef {object} "+name)
		for _, f := range t.Type.Fields {
			key := f.Name
			if f.Optional {
				key = "[" + key + "]"
			}
			tags = append(tags, "@property {"+e.typ(f.Type).flat()+"} "+key)
		}
	} else {
		tags = append(tags, "@typedef {{")
		for _, f := range t.Type.Fields {
			key := ecmaKey(f.Name)
			if f.Optional {
				key += "?"
			}
			tags = append(tags, "  "+key+": "+e.typ(f.Type).flat()+";")
		}
		tags = append(tags, "}} "+name)
	}
	return ecmaDoc("", "", t.Doc, t.Annotations, tags...)
}

func javascriptTypedef(typ ecmaType, name string) []string {
	return strings.Split("@typedef {"+typ.layout(2, len(" * @typedef {"), len("} ")+len(name))+"} "+name, "\n")
}

func (e *ecmaNames) javascriptMethods(f *kidl.Function, names *methods) []string {
	locals := newScope(ecmaKeywords, setOf("options"))
	var tags, args []string
	for _, p := range f.Parameters {
		local := locals.pick(camel(p.Name), camel(p.Name)+"Value")
		tags = append(tags, "@param {"+e.typ(p.Type).flat()+"} "+local)
		args = append(args, local)
	}
	var all []string
	for i, m := range ecmaMethodsOf(f, names, e.result(f)) {
		doc, annotations := "", kidl.Annotations{}
		if i == 0 {
			doc, annotations = f.Doc, f.Annotations
		}
		list := append(append([]string{}, args...), "options")
		told := append(append([]string{}, tags...), "@param {"+m.options+"} [options]")
		body := ecmaCall(m.verb, f, args)
		if m.verb == "" {
			list, told = []string{"id"}, []string{"@param {string} id"}
			body = ecmaList("    ", "return new Job", "(", []string{"this.#caller", fmt.Sprintf("[%q, %d]", f.Name, len(f.Results)), "id"}, ")", ";")
		}
		told = append(told, "@returns {"+m.result+"}")
		all = append(all, ecmaDoc("  ", m.doc, doc, annotations, told...)+"\n"+
			ecmaList("  ", m.name, "(", list, ")", " {")+"\n"+body+"\n  }")
	}
	return all
}
