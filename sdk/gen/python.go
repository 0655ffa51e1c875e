package gen

import (
	"bytes"
	"fmt"
	"regexp"
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

// pythonTypes are the types of a unit as Python declares them.
type pythonTypes struct {
	names      map[*kidl.Typedef]string
	converters map[*kidl.Typedef]string // of those that are not what JSON makes of them
	scope      *scope
	used       map[string]bool // names of typing and of the runtime
	order      []string        // names of types
	decls      strings.Builder
	converts   strings.Builder
	prefix     string // before the names of types: the module that they are in
}

func newPythonTypes(u *unit, taken set) *pythonTypes {
	p := &pythonTypes{
		names: map[*kidl.Typedef]string{}, converters: map[*kidl.Typedef]string{},
		scope: newScope(taken, pythonKeywords), used: map[string]bool{},
	}
	// A method hides a type of the same name inside its class.
	for _, f := range u.module.Functions {
		p.scope.take(pythonName(f.Name))
	}
	for _, own := range []bool{true, false} {
		for _, t := range u.types {
			if u.foreign(t) != own {
				name := ident(t.Name)
				p.names[t] = p.scope.pick(name, ident(t.Module)+strings.ToUpper(name[:1])+name[1:])
			}
		}
	}
	for _, t := range u.types {
		p.typedef(t)
	}
	return p
}

func (p *pythonTypes) typedef(t *kidl.Typedef) {
	name := p.names[t]
	p.order = append(p.order, name)
	doc := pythonDocLines("", t.Doc, t.Annotations)
	switch t.Type.Kind {
	case kidl.Structure:
		p.structure(name, doc, t.Type)
	case kidl.Tuple:
		p.namedTuple(name, doc, t.Type.Elements)
	default:
		p.decls.WriteString("\n")
		if len(doc) > 0 {
			p.decls.WriteString(prefixed("# ", doc) + "\n")
		}
		p.decls.WriteString(pythonSplit("", name+" = "+p.typ(t.Type), "") + "\n")
	}
	if convert := p.convertTypedef(t); convert != "" {
		p.converters[t] = p.scope.pick("_to_" + snake(t.Name))
		line := p.converters[t] + " = " + convert
		if !strings.Contains(line, "\n") {
			line = pythonSplit("", line, "")
		}
		p.converts.WriteString(line + "\n")
	}
}

// structure declares a TypedDict. Where fields have names that classes cannot
// have, or that hide a type, it is made by a call.
func (p *pythonTypes) structure(name string, doc []string, t *kidl.Type) {
	p.used["TypedDict"] = true
	var required, optional []kidl.Field
	asClass := true
	for _, f := range t.Fields {
		if f.Optional {
			optional = append(optional, f)
		} else {
			required = append(required, f)
		}
		asClass = asClass && ident(f.Name) == f.Name && !pythonKeywords[f.Name] && !pythonTaken[f.Name] && !p.scope.taken[f.Name]
	}
	bases, total := "TypedDict", ""
	fields := required
	switch {
	case len(required) == 0 && len(optional) > 0:
		fields, total = optional, ", total=False"
	case len(optional) > 0:
		base := "_" + name + "Required"
		p.fields(base, "TypedDict", "", nil, required, asClass)
		bases, fields, total = base, optional, ", total=False"
	}
	if asClass {
		p.fields(name, bases, total, doc, fields, true)
		return
	}
	base := "_" + name + "Fields"
	if len(optional) > 0 && len(required) > 0 {
		base = "_" + name + "Optional"
		p.fields(base, "TypedDict", total, nil, fields, false)
		p.fields(name, bases+", "+base, "", doc, nil, true)
		return
	}
	p.fields(base, "TypedDict", total, nil, fields, false)
	p.fields(name, base, total, doc, nil, true)
}

// fields declares one TypedDict.
func (p *pythonTypes) fields(name, bases, total string, doc []string, fields []kidl.Field, asClass bool) {
	b := &p.decls
	if !asClass {
		fmt.Fprintf(b, "\n%s = TypedDict(\n    %q,\n    {\n", name, name)
		for _, f := range fields {
			b.WriteString(pythonSplit("        ", fmt.Sprintf("%q: %s", f.Name, p.typ(f.Type)), ",") + "\n")
		}
		b.WriteString("    },\n")
		if total != "" {
			b.WriteString("    total=False,\n")
		}
		b.WriteString(")\n")
		return
	}
	fmt.Fprintf(b, "\n\nclass %s(%s%s):\n", name, bases, total)
	if len(doc) > 0 {
		b.WriteString(pythonDoc("    ", doc) + "\n")
		if len(fields) > 0 {
			b.WriteString("\n")
		}
	} else if len(fields) == 0 {
		b.WriteString("    pass\n")
	}
	for _, f := range fields {
		b.WriteString(pythonSplit("    ", f.Name+": "+p.typ(f.Type), "") + "\n")
	}
	b.WriteString("\n")
}

// namedTuple declares what is a list in JSON and has names for its elements.
func (p *pythonTypes) namedTuple(name string, doc []string, elements []kidl.Parameter) {
	p.used["NamedTuple"] = true
	b := &p.decls
	fmt.Fprintf(b, "\n\nclass %s(NamedTuple):\n", name)
	if len(doc) > 0 {
		b.WriteString(pythonDoc("    ", doc) + "\n\n")
	}
	names := newScope(setOf("count index"), pythonKeywords, pythonTaken)
	for _, e := range elements {
		field := ident(e.Name)
		if p.scope.taken[field] {
			field += "_" // it would hide a type
		}
		b.WriteString(pythonSplit("    ", names.pick(field, field+"_")+": "+p.typ(e.Type), "") + "\n")
	}
	if len(elements) == 0 && len(doc) == 0 {
		b.WriteString("    pass\n")
	}
	b.WriteString("\n")
}

// typ is a type as Python has it.
func (p *pythonTypes) typ(t *kidl.Type) string {
	switch t.Kind {
	case kidl.String:
		return "str"
	case kidl.Int:
		return "int"
	case kidl.Float:
		return "float"
	case kidl.List:
		return "list[" + p.typ(t.Item) + "]"
	case kidl.Mapping:
		key := "str" // as it is in JSON
		if t.Key.Base().Kind == kidl.String {
			key = p.typ(t.Key)
		}
		return "dict[" + key + ", " + p.typ(t.Value) + "]"
	case kidl.Tuple:
		var elements []string
		for _, e := range t.Elements {
			elements = append(elements, p.typ(e.Type))
		}
		return "tuple[" + strings.Join(elements, ", ") + "]"
	case kidl.Named:
		return p.prefix + p.names[t.Typedef()]
	}
	p.used["Any"] = true
	return "Any"
}

// convertTypedef is what makes a value of a typedef out of what JSON has for it;
// empty: it is that already.
func (p *pythonTypes) convertTypedef(t *kidl.Typedef) string {
	if t.Type.Kind == kidl.Tuple {
		return p.convertTuple(p.names[t], t.Type.Elements)
	}
	return p.convert(t.Type)
}

func (p *pythonTypes) convert(t *kidl.Type) string {
	switch t.Kind {
	case kidl.Named:
		return p.converters[t.Typedef()]
	case kidl.List:
		if item := p.convert(t.Item); item != "" {
			p.used["list_of"] = true
			return "list_of(" + item + ")"
		}
	case kidl.Mapping:
		if value := p.convert(t.Value); value != "" {
			p.used["mapping_of"] = true
			return "mapping_of(" + value + ")"
		}
	case kidl.Tuple:
		return p.convertTuple("tuple", t.Elements)
	case kidl.Structure:
		fields := ""
		for _, f := range t.Fields {
			if convert := p.convert(f.Type); convert != "" {
				fields += pythonSplit("        ", fmt.Sprintf("%q: %s", f.Name, convert), ",") + "\n"
			}
		}
		if fields != "" {
			p.used["structure_of"] = true
			return "structure_of(\n    {\n" + fields + "    }\n)"
		}
	}
	return ""
}

func (p *pythonTypes) convertTuple(into string, elements []kidl.Parameter) string {
	p.used["tuple_of"] = true
	return "tuple_of(" + strings.Join(append([]string{into}, p.convertAll(elements)...), ", ") + ")"
}

func (p *pythonTypes) convertAll(elements []kidl.Parameter) []string {
	var all []string
	for _, e := range elements {
		convert := p.convert(e.Type)
		if convert == "" {
			convert = "None"
		}
		all = append(all, convert)
	}
	return all
}

// result is the type of what a function returns, and how it is made.
func (p *pythonTypes) result(f *kidl.Function) (typ string, arguments []string) {
	arguments = p.convertAll(f.Results)
	switch len(f.Results) {
	case 0:
		return "None", nil
	case 1:
		return p.typ(f.Results[0].Type), arguments
	}
	typ = p.scope.pick(pascal(f.Name) + "Results")
	p.order = append(p.order, typ)
	p.namedTuple(typ, []string{"The results of " + f.FullName() + "."}, f.Results)
	return typ, append(arguments, "into="+typ)
}

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

// pythonTidy leaves two blank lines where there are more, and none at the end.
func pythonTidy(text []byte) []byte {
	text = regexp.MustCompile(`\n{4,}`).ReplaceAll(text, []byte("\n\n\n"))
	return append(bytes.TrimRight(text, "\n"), '\n')
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

// pythonName is the name of a method or function: the interface's own, which
// callers know, with an underscore where Python reserves it.
func pythonName(name string) string {
	if name = ident(name); pythonKeywords[name] {
		name += "_"
	}
	return name
}

// pythonDocLines are the lines of a docstring.
func pythonDocLines(first, doc string, a kidl.Annotations) []string {
	var lines []string
	add := func(more ...string) {
		if len(more) > 0 && len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, more...)
	}
	if first != "" {
		add(first)
	}
	add(docLines(doc)...)
	if a.Deprecated != nil {
		text := "Deprecated: do not use it any more."
		if a.Deprecated.Replacement != "" {
			text = "Deprecated: use " + a.Deprecated.Replacement + "."
		}
		add(text)
	}
	return lines
}

// pythonDoc is a docstring.
func pythonDoc(indent string, lines []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"""`, `\"\"\"`)
	text := make([]string, len(lines))
	for i, line := range lines {
		if line = escape.Replace(line); line != "" {
			line = indent + line
		}
		text[i] = line
	}
	if rest, ok := strings.CutPrefix(text[0], indent+`"`); ok {
		text[0] = indent + `\"` + rest
	}
	body := strings.TrimPrefix(strings.Join(text, "\n"), indent)
	if len(lines) == 1 {
		if rest, ok := strings.CutSuffix(body, `"`); ok && !strings.HasSuffix(rest, `\`) {
			body = rest + `\"`
		}
		return indent + `"""` + body + `"""`
	}
	return indent + `"""` + body + "\n" + indent + `"""`
}

// pythonWrap writes a call or a signature as formatters do: in one line, else
// with all items in the next, else with each in its own.
func pythonWrap(indent, before string, items []string, after string) string {
	list := strings.Join(items, ", ")
	if line := indent + before + "(" + list + ")" + after; len([]rune(line)) <= pythonWidth {
		return line
	}
	inner := indent + "    "
	if len([]rune(inner+list)) <= pythonWidth {
		return indent + before + "(\n" + inner + list + "\n" + indent + ")" + after
	}
	return indent + before + "(\n" + inner + strings.Join(items, ",\n"+inner) + ",\n" + indent + ")" + after
}

// pythonSplit breaks a line that is too long and ends with a closing bracket, as
// formatters do: what stands between the brackets goes to lines of its own.
// after is what follows the bracket.
func pythonSplit(indent, line, after string) string {
	if len([]rune(indent+line+after)) <= pythonWidth || line == "" {
		return indent + line + after
	}
	open := -1 // of the bracket that the last letter closes
	var opened []int
	for i, r := range line {
		switch r {
		case '[', '(':
			opened = append(opened, i)
		case ']', ')':
			if i == len(line)-1 {
				open = opened[len(opened)-1]
			}
			opened = opened[:len(opened)-1]
		}
	}
	if open < 0 {
		return indent + line + after
	}
	inside := line[open+1 : len(line)-1]
	inner := indent + "    "
	var items []string
	depth, start := 0, 0
	for i, r := range inside {
		switch r {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case ',':
			if depth == 0 {
				items = append(items, strings.TrimSpace(inside[start:i]))
				start = i + 1
			}
		}
	}
	items = append(items, strings.TrimSpace(inside[start:]))
	body := inner + inside
	if len(items) == 1 {
		body = pythonSplit(inner, inside, "")
	} else if len([]rune(body)) > pythonWidth {
		for i, item := range items {
			items[i] = pythonSplit(inner, item, ",")
		}
		body = strings.Join(items, "\n")
	}
	return indent + line[:open+1] + "\n" + body + "\n" + indent + line[len(line)-1:] + after
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
