package gen

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

func typescriptClient(u *unit) ([]File, error) {
	names := ecmaTypesOf(u, ecmaRuntime)
	var types []string
	for _, t := range u.types {
		types = append(types, names.typescriptType(t))
	}
	methods := newMethods(newScope(ecmaMethods), u.module.Functions, camel)
	var code []string
	for _, f := range u.module.Functions {
		if len(f.Results) > 1 {
			types = append(types, names.typescriptAlias(names.results[f], "The results of "+f.FullName()+".", "", kidl.Annotations{}, names.tuple(f.Results)))
		}
		code = append(code, names.typescriptMethods(f, methods)...)
	}
	imported := `import { Caller, type ClientOptions } from "./runtime.js";`
	if len(code) > 0 {
		imported = ecmaList("", "import ", "{ ", []string{
			"Caller", "Job", "type CallOptions", "type ClientOptions", "type WaitOptions",
		}, " }", ` from "./runtime.js";`)
		imported = strings.NewReplacer("{ \n", "{\n", "\n }", "\n}").Replace(imported)
	}
	index, err := render("typescript/index.ts.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Doc": ecmaDoc("", "Calls the module "+u.module.Name+".", u.module.Doc, kidl.Annotations{}, "@module"),
		"Import": imported, "Version": fmt.Sprintf("%q", u.opts.Version), "Types": types, "Module": u.module.Name, "Methods": code,
	})
	if err != nil {
		return nil, err
	}
	runtime, err := verbatim("typescript/runtime.ts.tmpl", "BANNER", u.banner(), "$MODULE", u.module.Name, "$AGENT", u.agent())
	if err != nil {
		return nil, err
	}
	pkg := ecmaPackage(u)
	return []File{{Path: pkg + "/index.ts", Content: index}, {Path: pkg + "/runtime.ts", Content: runtime}}, nil
}

func (e *ecmaNames) typescriptType(t *kidl.Typedef) string {
	name := e.names[t]
	if t.Type.Kind != kidl.Structure {
		return e.typescriptAlias(name, "", t.Doc, t.Annotations, e.typ(t.Type))
	}
	var b strings.Builder
	if doc := ecmaDoc("", "", t.Doc, t.Annotations); doc != "" {
		b.WriteString(doc + "\n")
	}
	if len(t.Type.Fields) == 0 {
		return b.String() + "export type " + name + " = { [key: string]: unknown };"
	}
	b.WriteString("export interface " + name + " {\n")
	for _, f := range t.Type.Fields {
		head := "  " + ecmaKey(f.Name)
		if f.Optional {
			head += "?"
		}
		head += ": "
		b.WriteString(head + e.typ(f.Type).layout(2, len(head), 1) + ";\n")
	}
	return b.String() + "}"
}

func (e *ecmaNames) typescriptAlias(name, first, doc string, a kidl.Annotations, typ ecmaType) string {
	text := ecmaDoc("", first, doc, a)
	if text != "" {
		text += "\n"
	}
	head := "export type " + name + " = "
	return text + head + typ.layout(0, len(head), 1) + ";"
}

func (e *ecmaNames) typescriptMethods(f *kidl.Function, names *methods) []string {
	locals := newScope(ecmaKeywords, setOf("options"))
	var params, args []string
	for _, p := range f.Parameters {
		local := locals.pick(camel(p.Name), camel(p.Name)+"Value")
		params = append(params, local+": "+e.typ(p.Type).flat())
		args = append(args, local)
	}
	var all []string
	for i, m := range ecmaMethodsOf(f, names, e.result(f)) {
		doc, annotations := "", kidl.Annotations{}
		if i == 0 {
			doc, annotations = f.Doc, f.Annotations
		}
		list := append(append([]string{}, params...), "options?: "+m.options)
		body := ecmaCall(m.verb, f, args)
		if m.verb == "" {
			list = []string{"id: string"}
			body = ecmaList("    ", "return new Job", "(", []string{"this.#caller", fmt.Sprintf("[%q, %d]", f.Name, len(f.Results)), "id"}, ")", ";")
		}
		all = append(all, ecmaDoc("  ", m.doc, doc, annotations)+"\n"+
			ecmaList("  ", m.name, "(", list, ")", ": "+m.result+" {")+"\n"+body+"\n  }")
	}
	return all
}
