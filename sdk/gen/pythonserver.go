package gen

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

var (
	// pythonServed are names that interface.py uses itself.
	pythonServed = setOf(`Any Callable NamedTuple Optional TypedDict annotations abc bool dict dynsvc float int isinstance len
		list object str tuple zip Functions register list_of mapping_of structure_of tuple_of`)
	pythonServedLocal = setOf(`self ctx functions service`)
)

// servable is what the runtimes of Python and JavaScript take as a method's name.
var servable = regexp.MustCompile(`^[A-Za-z0-9_]{1,63}$`)

func (u *unit) checkServable() error {
	for _, f := range u.served() {
		if !servable.MatchString(f.Name) {
			return fmt.Errorf("the function %s cannot be served: its name may have 1 to 63 of A-Z, a-z, 0-9 and _", f.Name)
		}
	}
	return nil
}

// pythonMethod is a function of the interface as a method of the author's class.
type pythonMethod struct{ Method, Registration, Stub string }

func pythonServer(u *unit) ([]File, error) {
	if err := u.checkServable(); err != nil {
		return nil, err
	}
	types := newPythonTypes(u, pythonServed)
	methods := newMethods(newScope(pythonKeywords), u.served(), pythonName)
	var functions []pythonMethod
	var stubs []string
	stubsNeedAny := false
	for _, f := range u.served() {
		m := types.served(f, methods.plain[f])
		functions = append(functions, m)
		stubs = append(stubs, m.Stub)
		stubsNeedAny = stubsNeedAny || regexp.MustCompile(`\bAny\b`).MatchString(m.Stub)
	}
	helpers := ""
	if slices.ContainsFunc([]string{"list_of", "mapping_of", "structure_of", "tuple_of"}, func(name string) bool { return types.used[name] }) {
		for _, name := range []string{"Any", "Callable", "Optional"} {
			types.used[name] = true
		}
		text, err := verbatim("python/convert.py.tmpl")
		if err != nil {
			return nil, err
		}
		helpers = string(text)
	}
	var typing []string
	for name := range types.used {
		if !strings.HasSuffix(name, "_of") {
			typing = append(typing, name)
		}
	}
	imports := ""
	if len(typing) > 0 {
		imports = pythonImport("typing", typing) + "\n"
	}
	generated, err := render("python/interface.py.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Module": u.module.Name, "Imports": imports, "Types": types.decls.String(),
		"Helpers": helpers, "Converters": types.converts.String(), "Functions": functions,
	})
	if err != nil {
		return nil, err
	}
	imports = ""
	if stubsNeedAny {
		imports = "from typing import Any\n"
	}
	class := pascal(u.module.Name)
	if pythonKeywords[class] || class == "Any" {
		class += "Module"
	}
	author, err := render("python/server.py.tmpl", nil, map[string]any{
		"Module": u.module.Name, "Imports": imports, "Class": class, "Stubs": stubs, "Quoted": fmt.Sprintf("%q", u.module.Name),
	})
	if err != nil {
		return nil, err
	}
	return []File{
		{Path: "interface.py", Content: pythonTidy(generated)},
		{Path: "server.py", Content: pythonTidy(author), Keep: true},
	}, nil
}

// served are a method and its registration. The function that is registered has
// the annotations that the runtime checks parameters by; what it returns is the
// list of results, as a tuple.
func (p *pythonTypes) served(f *kidl.Function, name string) pythonMethod {
	typ, _ := p.result(f)
	locals := newScope(pythonKeywords, pythonServedLocal)
	params, stub := []string{"ctx: dynsvc.Context"}, []string{"self", "ctx: dynsvc.Context"}
	args := []string{"ctx"}
	for _, param := range f.Parameters {
		local := locals.pick(ident(param.Name), ident(param.Name)+"_")
		params = append(params, local+": "+p.typ(param.Type))
		p.prefix = "interface."
		stub = append(stub, local+": "+p.typ(param.Type))
		p.prefix = ""
		arg := local
		if convert := p.convert(param.Type); convert != "" {
			if strings.HasPrefix(convert, "_to_") {
				arg = convert + "(" + local + ")"
			} else {
				converter := p.scope.pick("_" + snake(f.Name) + "_" + snake(param.Name))
				p.converts.WriteString(pythonSplit("", converter+" = "+convert, "") + "\n")
				arg = converter + "(" + local + ")"
			}
		}
		args = append(args, arg)
	}
	stubType, returns := typ, "tuple["+typ+"]"
	call := pythonWrap("        ", "functions."+name, args, "")
	switch len(f.Results) {
	case 0:
		returns = "None"
	case 1:
		p.prefix = "interface."
		stubType = p.typ(f.Results[0].Type)
		p.prefix = ""
		call = pythonWrap("        ", "return (functions."+name, args, ",)")
	default:
		stubType = "interface." + typ
		returns = "tuple[object, ...]"
		call = "        return tuple(functions." + name + "(" + strings.Join(args, ", ") + "))"
		if len([]rune(call)) > pythonWidth {
			call = "        return tuple(\n" + pythonWrap("            ", "functions."+name, args, "") + "\n        )"
		}
	}
	doc := pythonDoc("        ", pythonDocLines(f.FullName()+"."+needsToken(f), f.Doc, f.Annotations))
	wrapper := "_" + strings.TrimLeft(name, "_")
	return pythonMethod{
		Method: "    @abc.abstractmethod\n" +
			pythonWrap("    ", "def "+name, append([]string{"self"}, params...), " -> "+typ+":") + "\n" + doc,
		Registration: fmt.Sprintf("    @service.method(name=%q)\n", f.Name) +
			pythonWrap("    ", "def "+wrapper, params, " -> "+returns+":") + "\n" + call,
		Stub: pythonWrap("    ", "def "+name, stub, " -> "+stubType+":") + "\n" + doc + "\n" +
			fmt.Sprintf("        raise dynsvc.CallError(%q)", f.Name+" is not written yet"),
	}
}
