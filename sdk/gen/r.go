package gen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// rWords cannot be names without backticks.
var rWords = setOf(`if else repeat while function for next break TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_
	NA_complex_ NA_character_ in`)

// rLocals are what the methods of a client refer to, which parameters would hide.
var rLocals = setOf(`caller functions`)

var rPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*[A-Za-z0-9]$`)

// rData is what the templates see.
type rData struct {
	Banner    string
	Package   string
	Module    string
	Version   string // of the package
	Ref       string // what is called unless told otherwise, as a literal
	Maker     string // the function that makes a client
	Doc       []string
	Types     []rType
	Functions []rFunction
}

type rType struct {
	Name   string // as a literal
	Code   string
	Plain  string // the name
	Doc    []string
	Is     string // what it is, where it is no structure
	Fields []rField
}

type rField struct {
	Name, Is string
	Optional bool
}

type rFunction struct {
	Name                   string // of the interface
	Call, Submit, Run, Job string
	Parameters             []rField
	Results                []rField
	Arguments              string // a, b
	More                   string // a, b,
	Types                  string // list(...)
	Returns                string // list(...)
	Doc                    []string
}

func rClient(u *unit) ([]File, error) {
	d := rData{
		Banner: u.banner(), Package: u.opts.Package, Module: u.module.Name, Version: dotted(u.opts.ProductVersion),
		Ref: rQuote(u.opts.Version), Maker: snake(u.module.Name) + "_client", Doc: docLines(u.module.Doc),
	}
	if d.Package == "" {
		d.Package = upperFirst(pascal(u.module.Name)) + "Client"
	}
	if !rPackage.MatchString(d.Package) {
		return nil, fmt.Errorf("%q is no name of an R package: those are of letters, digits and dots, such as my.client", d.Package)
	}
	r := rWriter{u}
	for _, t := range u.types {
		d.Types = append(d.Types, r.typedef(t))
	}
	names := newScope(rWords)
	for _, f := range u.module.Functions {
		d.Functions = append(d.Functions, r.function(names, f))
	}

	var files []File
	add := func(name, template string, data any) error {
		text, err := render("r/"+template, rFuncs, data)
		files = append(files, File{Path: d.Package + "/" + name, Content: text})
		return err
	}
	for _, f := range []struct{ name, template string }{
		{"DESCRIPTION", "DESCRIPTION.tmpl"}, {"NAMESPACE", "NAMESPACE.tmpl"}, {"R/client.R", "client.R.tmpl"},
		{"man/" + d.Maker + ".Rd", "client.Rd.tmpl"}, {"man/types.Rd", "types.Rd.tmpl"},
	} {
		if f.template == "types.Rd.tmpl" && len(d.Types) == 0 {
			continue
		}
		if err := add(f.name, f.template, d); err != nil {
			return nil, err
		}
	}
	pages := newScope(setOf("types"))
	pages.fold = true
	pages.take(d.Maker)
	for _, f := range d.Functions {
		page := struct {
			Client rData
			rFunction
		}{d, f}
		if err := add("man/"+pages.pick(f.Call)+".Rd", "function.Rd.tmpl", page); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"runtime.R", "values.R"} {
		var oldnew []string
		if name == "runtime.R" {
			oldnew = []string{"DYNSVCCLIENT", d.Package, "dynsvc-client-r/0", u.agent()}
		}
		text, err := verbatim("r/"+name, oldnew...)
		if err != nil {
			return nil, err
		}
		text = append([]byte("# "+u.banner()+"\n\n"), text...)
		files = append(files, File{Path: d.Package + "/R/" + name, Content: text})
	}
	return files, nil
}

// rWriter says things about the types of one module in R.
type rWriter struct{ *unit }

func (r rWriter) name(t *kidl.Typedef) string {
	if r.foreign(t) {
		return t.FullName()
	}
	return t.Name
}

func (r rWriter) typedef(t *kidl.Typedef) rType {
	out := rType{
		Name: rQuote(r.name(t)), Plain: r.name(t), Code: r.code(t.Type),
		Doc: paragraphs(docLines(t.Doc), deprecation(t.Annotations.Deprecated)),
	}
	if t.Type.Kind != kidl.Structure {
		out.Is = r.is(t.Type)
		return out
	}
	for _, f := range t.Type.Fields {
		out.Fields = append(out.Fields, rField{f.Name, r.is(f.Type), f.Optional})
	}
	return out
}

func (r rWriter) function(names *scope, f *kidl.Function) rFunction {
	name := snake(f.Name)
	out := rFunction{
		Name: f.Name,
		Call: names.pick(name, "call_"+name), Submit: names.pick("submit_" + name),
		Run: names.pick("run_" + name), Job: names.pick("job_" + name),
	}
	var more []string
	switch f.Authentication {
	case "required":
		more = append(more, "Needs a token.")
	case "optional":
		more = append(more, "May do more with a token.")
	}
	if f.Async {
		more = append(more, "Takes long: meant to be run as a job.")
	}
	more = append(more, deprecation(f.Annotations.Deprecated)...)
	out.Doc = paragraphs(or(docLines(f.Doc), "Calls the function "+f.Name+"."), more)
	local := newScope(rWords, rLocals)
	var arguments, types []string
	for _, p := range f.Parameters {
		v := local.pick(strings.Trim(ident(p.Name), "_"), strings.Trim(ident(p.Name), "_")+"_value")
		arguments, types = append(arguments, v), append(types, v+" = "+r.code(p.Type))
		out.Parameters = append(out.Parameters, rField{Name: v, Is: r.is(p.Type)})
	}
	out.Arguments, out.Types = strings.Join(arguments, ", "), "list("+strings.Join(types, ", ")+")"
	if len(arguments) > 0 {
		out.More = out.Arguments + ", "
	}
	local, types = newScope(rWords), nil
	for _, p := range f.Results {
		v := local.pick(strings.Trim(ident(p.Name), "_"), strings.Trim(ident(p.Name), "_")+"_value")
		types = append(types, v+" = "+r.code(p.Type))
		out.Results = append(out.Results, rField{Name: v, Is: r.is(p.Type)})
	}
	out.Returns = "list(" + strings.Join(types, ", ") + ")"
	return out
}

// code is the description of a type that the runtime reads.
func (r rWriter) code(t *kidl.Type) string {
	var parts []string
	switch t.Kind {
	case kidl.Named:
		return "types[[" + rQuote(r.name(t.Typedef())) + "]]"
	case kidl.List:
		return `list(kind = "list", item = ` + r.code(t.Item) + ")"
	case kidl.Mapping:
		return `list(kind = "mapping", item = ` + r.code(t.Value) + ")"
	case kidl.Tuple:
		for _, e := range t.Elements {
			parts = append(parts, rName(e.Name)+" = "+r.code(e.Type))
		}
		return `list(kind = "tuple", items = list(` + strings.Join(parts, ", ") + "))"
	case kidl.Structure:
		var optional []string
		for _, f := range t.Fields {
			parts = append(parts, "\n    "+rName(f.Name)+" = "+r.code(f.Type))
			if f.Optional {
				optional = append(optional, rQuote(f.Name))
			}
		}
		fields := "list()"
		if len(parts) > 0 {
			fields = "list(" + strings.Join(parts, ",") + "\n  )"
		}
		if len(optional) == 0 {
			return "list(\n  kind = \"structure\",\n  fields = " + fields + "\n)"
		}
		return "list(\n  kind = \"structure\",\n  fields = " + fields + ",\n  optional = c(" + strings.Join(optional, ", ") + ")\n)"
	case kidl.Unspecified:
		return `"any"`
	}
	return `"` + string(t.Kind) + `"`
}

// is says what a value of the type is in R.
func (r rWriter) is(t *kidl.Type) string {
	switch t.Kind {
	case kidl.Named:
		return r.name(t.Typedef())
	case kidl.String:
		return "a text"
	case kidl.Int:
		return "an integer"
	case kidl.Float:
		return "a number"
	case kidl.List:
		switch t.Item.Base().Kind {
		case kidl.String, kidl.Int, kidl.Float:
			return "a vector, each " + r.is(t.Item)
		}
		return "a list, each " + r.is(t.Item)
	case kidl.Mapping:
		return "a named list, each " + r.is(t.Value)
	case kidl.Tuple:
		var parts []string
		for _, e := range t.Elements {
			parts = append(parts, e.Name+" ("+r.is(e.Type)+")")
		}
		return "a list of " + strings.Join(parts, ", ")
	case kidl.Structure:
		return "a named list"
	}
	return "anything"
}

var rPlainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// rName is the name of an argument, in backticks where it needs them.
func rName(name string) string {
	if rPlainName.MatchString(name) && !rWords[name] {
		return name
	}
	return "`" + name + "`" // an interface has no backticks in its names
}

// rQuote is a text as a literal.
func rQuote(text string) string {
	if text == "" {
		return `""`
	}
	return strconv.QuoteToASCII(text) // R knows the same escapes
}

// paragraphs joins parts of a doc with blank lines.
func paragraphs(parts ...[]string) []string {
	var all []string
	for _, part := range parts {
		if len(part) > 0 && len(all) > 0 {
			all = append(all, "")
		}
		all = append(all, part...)
	}
	return all
}

var rFuncs = map[string]any{
	// comment is a doc as comments of roxygen.
	"comment": func(indent string, lines []string) string {
		escaped := make([]string, len(lines))
		for i, line := range lines {
			escaped[i] = strings.ReplaceAll(line, "@", "@@")
		}
		return prefixed(indent+"#' ", escaped)
	},
	// rd is a doc in the language of help pages.
	"rd":   func(lines []string) string { return rdEscape(strings.Join(lines, "\n")) },
	"rd1":  rdEscape,
	"name": rName,
}

// rdCondition is a line that says whether what follows is read.
var rdCondition = regexp.MustCompile(`(?m)^#(ifn?def|endif)`)

// rdEscape masks what a help page would read as its own.
func rdEscape(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "%", `\%`, "{", `\{`, "}", `\}`).Replace(text)
	return rdCondition.ReplaceAllString(text, " $0")
}
