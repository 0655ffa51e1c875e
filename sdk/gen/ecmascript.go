package gen

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// TypeScript and JavaScript are one language with two ways to write types down.
// This file has what they share: names, types and the layout of lines.

// ecmaWidth is the length of lines that formatters agree on.
const ecmaWidth = 80

var (
	ecmaKeywords = setOf(`arguments async await break case catch class const continue debugger default delete do else
		enum eval export extends false finally for function if implements import in instanceof interface let new null
		package private protected public return static super switch this throw true try typeof undefined var void while
		with yield`)
	// ecmaTypes are types of the language, and classes that linters want nobody to
	// use as types.
	ecmaTypes = setOf(`any bigint boolean never null number object string symbol undefined unknown void
		BigInt Boolean Function Number Object Promise String Symbol`)
	// ecmaRuntime are the names of the runtime that a type could have too.
	ecmaRuntime = setOf(`Client CallOptions CallTimeout Caller ClientOptions DynsvcError Job JobCancelled JobStatus
		RPCError TransportError WaitOptions defaultVersion`)
	// ecmaMethods mean something on every object.
	ecmaMethods = setOf(`constructor then toString toJSON toLocaleString valueOf hasOwnProperty isPrototypeOf
		propertyIsEnumerable`)
)

// ecmaTypesOf names the types of a unit.
func ecmaTypesOf(u *unit, taken set) *ecmaNames {
	e := &ecmaNames{names: map[*kidl.Typedef]string{}, results: map[*kidl.Function]string{}}
	e.scope = newScope(ecmaKeywords, ecmaTypes, taken)
	for _, own := range []bool{true, false} {
		for _, t := range u.types {
			if u.foreign(t) != own {
				name := pascal(t.Name)
				e.names[t] = e.scope.pick(name, pascal(t.Module)+name)
			}
		}
	}
	for _, f := range u.module.Functions {
		if len(f.Results) > 1 {
			e.results[f] = e.scope.pick(pascal(f.Name) + "Results")
		}
	}
	return e
}

type ecmaNames struct {
	names   map[*kidl.Typedef]string
	results map[*kidl.Function]string // the types of several results
	scope   *scope
}

// result is the type of what a function returns.
func (e *ecmaNames) result(f *kidl.Function) string {
	switch len(f.Results) {
	case 0:
		return "void"
	case 1:
		return e.typ(f.Results[0].Type).flat()
	}
	return e.results[f]
}

// ecmaType is a type as it is written: a text, or brackets around parts.
type ecmaType struct {
	text        string
	open, close string     // of parts
	separator   string     // after a part
	parts       []ecmaType // nil: a text
	before      []string   // what stands before each part
	after       string     // what follows all: [] for lists
}

// typ is a type in the syntax of TypeScript, which JSDoc takes as well.
func (e *ecmaNames) typ(t *kidl.Type) ecmaType {
	switch t.Kind {
	case kidl.String:
		return ecmaType{text: "string"}
	case kidl.Int, kidl.Float:
		return ecmaType{text: "number"}
	case kidl.List:
		item := e.typ(t.Item)
		if item.parts == nil {
			return ecmaType{text: item.text + "[]"}
		}
		item.after += "[]"
		return item
	case kidl.Mapping:
		return ecmaType{
			open: "{ ", close: " }", separator: ";", parts: []ecmaType{e.typ(t.Value)}, before: []string{"[key: string]: "},
		}
	case kidl.Tuple:
		return e.tuple(t.Elements)
	case kidl.Named:
		return ecmaType{text: e.names[t.Typedef()]}
	}
	return ecmaType{text: "unknown"}
}

// tuple is a list whose elements have names.
func (e *ecmaNames) tuple(list []kidl.Parameter) ecmaType {
	t := ecmaType{open: "[", close: "]", separator: ",", parts: []ecmaType{}}
	labels := newScope(ecmaKeywords)
	for _, p := range list {
		t.before = append(t.before, labels.pick(ident(p.Name), ident(p.Name)+"_")+": ")
		t.parts = append(t.parts, e.typ(p.Type))
	}
	return t
}

// flat is the type in one line.
func (t ecmaType) flat() string {
	if t.parts == nil {
		return t.text
	}
	var parts []string
	for i, p := range t.parts {
		parts = append(parts, t.before[i]+p.flat())
	}
	return t.open + strings.Join(parts, t.separator+" ") + t.close + t.after
}

// layout is the type after and before so many letters of its line, which begins
// with so many blanks.
func (t ecmaType) layout(indent, before, after int) string {
	flat := t.flat()
	if len(t.parts) == 0 || before+len(flat)+after <= ecmaWidth {
		return flat
	}
	inner := strings.Repeat(" ", indent+2)
	var b strings.Builder
	b.WriteString(strings.TrimSpace(t.open) + "\n")
	for i, p := range t.parts {
		head := inner + t.before[i]
		b.WriteString(head + p.layout(indent+2, len(head), len(t.separator)) + t.separator + "\n")
	}
	return b.String() + strings.Repeat(" ", indent) + strings.TrimSpace(t.close) + t.after
}

// ecmaList writes what stands in brackets as formatters do: in one line, else
// each item in its own. after is what follows the closing bracket.
func ecmaList(indent, before, open string, items []string, closing, after string) string {
	line := indent + before + open + strings.Join(items, ", ") + closing + after
	if len([]rune(line)) <= ecmaWidth && !strings.Contains(line, "\n") || len(items) == 0 {
		return line
	}
	inner := "\n" + indent + "  "
	return indent + before + open + inner + strings.Join(items, ","+inner) + ",\n" + indent + closing + after
}

// ecmaCall is a call of a method of the caller, as the statement of a method.
func ecmaCall(method string, f *kidl.Function, args []string) string {
	const indent = "    "
	head := fmt.Sprintf("return this.#caller.%s", method)
	info := fmt.Sprintf("[%q, %d]", f.Name, len(f.Results))
	line := ecmaList(indent, head, "(", []string{info, "[" + strings.Join(args, ", ") + "]", "options"}, ")", ";")
	if !strings.Contains(line, "\n") {
		return line
	}
	params := strings.TrimLeft(ecmaList(indent+"  ", "", "[", args, "]", ","), " ")
	return indent + head + "(\n" + indent + "  " + info + ",\n" + indent + "  " + params + "\n" + indent + "  options,\n" + indent + ");"
}

// ecmaDoc is a comment in the way of JSDoc: a first sentence, what the interface
// says, and tags. It is empty where there is nothing to say.
func ecmaDoc(indent, first, doc string, a kidl.Annotations, tags ...string) string {
	var lines []string
	add := func(more ...string) {
		if len(more) > 0 && len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, more...)
	}
	if first != "" {
		add(strings.Split(first, "\n")...)
	}
	text := docLines(doc)
	for i, line := range text {
		line = strings.ReplaceAll(line, "*/", `*\/`)
		if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "@"); ok {
			line = `\@` + rest // no tag
		}
		text[i] = line
	}
	add(text...)
	if a.Deprecated != nil {
		text := "Do not use it any more."
		if a.Deprecated.Replacement != "" {
			text = "Use " + a.Deprecated.Replacement + "."
		}
		tags = append(tags, "@deprecated "+text)
	}
	add(tags...)
	if len(lines) == 0 {
		return ""
	}
	if len(lines) == 1 && !strings.HasSuffix(lines[0], "/") && len(indent)+len([]rune(lines[0]))+7 <= ecmaWidth {
		return indent + "/** " + lines[0] + " */"
	}
	return indent + "/**\n" + prefixed(indent+" * ", lines) + "\n" + indent + " */"
}

// ecmaKey is the name of a property.
func ecmaKey(name string) string {
	if strings.Contains(name, "-") {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// ecmaMethod is a method with what differs between the four for a function.
type ecmaMethod struct {
	name, doc, options, result, verb string
}

// ecmaMethodsOf are the four methods for a function. result is the type of what
// it returns.
func ecmaMethodsOf(f *kidl.Function, names *methods, result string) []ecmaMethod {
	plain := names.plain[f]
	name := pascal(plain)
	run := names.pick("run" + name)
	submit := names.pick("submit" + name)
	open := names.pick("open" + name)
	first := "Calls " + f.FullName() + "." + needsToken(f)
	if f.Async {
		first += " It may take long: " + run + " and " + submit + " make a job of it."
	}
	return []ecmaMethod{
		{plain, first, "CallOptions", "Promise<" + result + ">", "call"},
		{run, "Calls " + plain + " as a job: submits it and waits for it.\n\nIf that is given up, the job is cancelled.", "WaitOptions", "Promise<" + result + ">", "run"},
		{submit, "Submits a job that calls " + plain + ".", "CallOptions", "Promise<Job<" + result + ">>", "submit"},
		{open, "Returns the job of " + submit + " with that id.", "", "Job<" + result + ">", ""},
	}
}

// ecmaPackage is the name of the folder.
func ecmaPackage(u *unit) string {
	if u.opts.Package != "" {
		return kebab(u.opts.Package)
	}
	return kebab(u.module.Name)
}
