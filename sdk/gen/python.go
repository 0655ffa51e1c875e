package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// pythonWidth is the length of lines that Python's formatters agree on.
const pythonWidth = 88

var (
	pythonKeywords = setOf(`False None True and as assert async await break class continue def del elif else except
		finally for from global if import in is lambda nonlocal not or pass raise return try while with yield`)
	// pythonTaken are names that the generated modules use themselves.
	pythonTaken = setOf(`Any Iterable NamedTuple Optional TypedDict annotations bool dict float int list object str
		threading tuple typing Client DEFAULT_VERSION CallTimeout Caller DynsvcError Function Job JobCancelled JobStatus
		Progress RPCError TransportError list_of mapping_of structure_of tuple_of`)
	// pythonLocal are the names that a generated method uses itself.
	pythonLocal = setOf(`self progress timeout cancel`)
)

// pythonFunction is a function of the interface as methods of a client.
type pythonFunction struct{ Descriptor, Call, Run, Submit, Open string }

func (p *pythonTypes) function(f *kidl.Function, names *methods) pythonFunction {
	typ, results := p.result(f)
	constant := p.scope.pick("_" + strings.ToUpper(snake(f.Name)))
	name := names.plain[f]
	run := names.pick("run_" + name)
	submit := names.pick("submit_" + name)
	open := names.pick("open_" + name)
	locals := newScope(pythonKeywords, pythonLocal)
	params, args := []string{"self"}, []string{constant}
	for _, param := range f.Parameters {
		local := locals.pick(ident(param.Name), ident(param.Name)+"_")
		params = append(params, local+": "+p.typ(param.Type))
		args = append(args, local)
	}
	first := "Calls " + f.FullName() + "." + needsToken(f)
	doc := pythonDocLines(first, f.Doc, f.Annotations)
	if f.Async {
		doc = append(doc, "", "It may take long: "+run+" and "+submit+" make a job of it.")
	}
	method := func(name string, params []string, typ string, doc []string, verb string, args []string) string {
		back := "return "
		if typ == "None" {
			back = ""
		}
		return pythonWrap("    ", "def "+name, params, " -> "+typ+":") + "\n" + pythonDoc("        ", doc) + "\n" +
			pythonWrap("        ", back+verb, args, "")
	}
	waiting := []string{
		"*", "progress: Optional[Progress] = None", "timeout: Optional[float] = None",
		"cancel: Optional[threading.Event] = None",
	}
	return pythonFunction{
		Descriptor: pythonDescriptor(constant, typ, append([]string{fmt.Sprintf("%q", f.Name)}, results...)),
		Call:       method(name, params, typ, doc, "self._caller.call", args),
		Run: method(run, slices.Concat(params, waiting), typ, []string{
			"Calls " + name + " as a job: submits it and waits for it, as Job.wait does.", "",
			"If that is given up, the job is cancelled.",
		}, "self._caller.run", slices.Concat(args, []string{"progress=progress", "timeout=timeout", "cancel=cancel"})),
		Submit: method(submit, params, "Job["+typ+"]", []string{"Submits a job that calls " + name + "."},
			"self._caller.submit", args),
		Open: method(open, []string{"self", "id: str"}, "Job["+typ+"]", []string{
			"Returns the job of " + submit + " with that id.",
		}, "Job", []string{"self._caller", constant, "id"}),
	}
}

// pythonDescriptor declares what a client knows of a function.
func pythonDescriptor(constant, typ string, arguments []string) string {
	before := constant + ": Function[" + typ + "] = Function"
	if len(before)+1 > pythonWidth {
		before = constant + ": Function[\n    " + typ + "\n] = Function"
		return before + "(\n    " + strings.Join(arguments, ",\n    ") + ",\n)"
	}
	return pythonWrap("", before, arguments, "")
}

func pythonClient(u *unit) ([]File, error) {
	types := newPythonTypes(u, pythonTaken)
	methods := newMethods(newScope(pythonKeywords), u.module.Functions, pythonName)
	var functions []pythonFunction
	for _, f := range u.module.Functions {
		functions = append(functions, types.function(f, methods))
	}
	doc := pythonDoc("", pythonDocLines("Calls the module "+u.module.Name+".", u.module.Doc, kidl.Annotations{}))
	typing, runtime := []string{"Iterable", "Optional"}, []string{"Caller"}
	for name := range types.used {
		if strings.HasSuffix(name, "_of") {
			runtime = append(runtime, name)
		} else {
			typing = append(typing, name)
		}
	}
	imports := ""
	if len(functions) > 0 {
		imports = "import threading\n"
		runtime = append(runtime, "Function", "Job", "Progress")
	}
	imports += pythonImport("typing", typing) + "\n\n" + pythonImport("._runtime", runtime)
	module, err := render("python/client.py.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Doc": doc, "Imports": imports, "Version": fmt.Sprintf("%q", u.opts.Version),
		"Types": types.decls.String(), "Converters": types.converts.String(),
		"Functions": functions, "Module": u.module.Name,
	})
	if err != nil {
		return nil, err
	}
	names := append([]string{"Client", "DEFAULT_VERSION"}, types.order...)
	all := append([]string{"CallTimeout", "DynsvcError", "Job", "JobCancelled", "JobStatus", "RPCError", "TransportError"}, names...)
	slices.SortFunc(names, pythonImportOrder)
	slices.Sort(all)
	init, err := render("python/init.py.tmpl", nil, map[string]any{
		"Banner": u.banner(), "Doc": doc, "Names": names, "All": all,
	})
	if err != nil {
		return nil, err
	}
	common, err := verbatim("python/runtime.py.tmpl", "BANNER", u.banner(), "$MODULE", u.module.Name, "$AGENT", u.agent())
	if err != nil {
		return nil, err
	}
	pkg := pythonPackage(u)
	return []File{
		{Path: pkg + "/__init__.py", Content: init},
		{Path: pkg + "/_runtime.py", Content: common},
		{Path: pkg + "/client.py", Content: pythonTidy(module)},
		{Path: pkg + "/py.typed"},
	}, nil
}

// pythonPackage is the name of the package.
func pythonPackage(u *unit) string {
	name := u.opts.Package
	if name == "" {
		name = snake(u.module.Name)
	}
	name = ident(name)
	if pythonKeywords[name] {
		name += "_client"
	}
	return name
}

// pythonImport is an import of sorted names.
func pythonImport(module string, names []string) string {
	slices.SortFunc(names, pythonImportOrder)
	line := "from " + module + " import " + strings.Join(names, ", ")
	if len(line) <= pythonWidth {
		return line
	}
	return "from " + module + " import (\n    " + strings.Join(names, ",\n    ") + ",\n)"
}

// pythonImportOrder puts constants first, then classes, then all others.
func pythonImportOrder(a, b string) int {
	class := func(s string) int {
		switch {
		case s == strings.ToUpper(s) && len(s) > 1:
			return 0
		case s[:1] == strings.ToUpper(s[:1]):
			return 1
		}
		return 2
	}
	if d := class(a) - class(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}
