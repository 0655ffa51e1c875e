package gen

import (
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/dynsvc/dynsvc/kidl"
)

// perlTaken are the methods that a client has anyway, and those that every Perl
// package has.
var perlTaken = setOf(`new runtime can isa DOES VERSION import unimport AUTOLOAD DESTROY CLONE CLONE_SKIP
	BEGIN UNITCHECK CHECK INIT END STDIN STDOUT STDERR ARGV ARGVOUT ENV INC _`)

var perlPackage = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z0-9_]+)*$`)

// perlData is what the templates see.
type perlData struct {
	Banner    string
	Package   string // Module::Client
	Dist      string // Module-Client
	Module    string
	Version   string // the code's own
	Ref       string // what is called unless told otherwise
	Doc       string // POD
	Types     []perlType
	Functions []perlFunction
}

type perlType struct {
	Name   string // Name, or Module.Name of another module
	Code   string // the description that the runtime reads
	Doc    string // POD
	Is     string // POD: what it is, where it is no structure
	Fields []perlField
}

type perlField struct {
	Name, Is string
	Optional bool
}

type perlFunction struct {
	Name          string // of the interface
	Call          string
	Submit        string
	Run           string
	Job           string
	Code          string // the description that the runtime reads
	Doc           string // POD
	Left          string // $result = , in a column
	Arguments     string // $a, $b
	Options       string // , %option
	Parameters    []perlField
	Results       []perlField
	Authenticates string // none, optional, required
	Async         bool
}

func perlClient(u *unit) ([]File, error) {
	d := perlData{
		Banner: u.banner(), Package: u.opts.Package, Module: u.module.Name,
		Version: dotted(u.opts.ProductVersion), Ref: u.opts.Version, Doc: pod(u.module.Doc),
	}
	if d.Package == "" {
		d.Package = upperFirst(pascal(u.module.Name)) + "::Client"
	}
	if !perlPackage.MatchString(d.Package) {
		return nil, fmt.Errorf("%q is no name of a Perl package: give one like My::Client", d.Package)
	}
	d.Dist = strings.ReplaceAll(d.Package, "::", "-")
	p := perlWriter{u}
	for _, t := range u.types {
		d.Types = append(d.Types, p.typedef(t))
	}
	names := newScope(perlTaken)
	for _, f := range u.module.Functions {
		d.Functions = append(d.Functions, p.function(names, f))
	}

	lib := d.Dist + "/lib/" + strings.ReplaceAll(d.Package, "::", "/")
	client, err := render("perl/Client.pm.tmpl", template.FuncMap{"quote": perlQuote, "pod": podEscape}, d)
	if err != nil {
		return nil, err
	}
	make, err := render("perl/Makefile.PL.tmpl", nil, d)
	if err != nil {
		return nil, err
	}
	files := []File{
		{Path: lib + ".pm", Content: client},
		{Path: d.Dist + "/Makefile.PL", Content: make},
	}
	for _, name := range []string{"Error", "Job", "Runtime", "Values"} {
		oldnew := []string{"DynsvcClient", d.Package, "BANNER", d.Banner, "$VERSION = '0'", "$VERSION = '" + d.Version + "'"}
		if name == "Values" {
			oldnew[4] = "$VERSION   = '0'"
		}
		if name == "Runtime" {
			oldnew = append(oldnew, "dynsvc-client-perl/0", u.agent())
		}
		text, err := verbatim("perl/"+name+".pm", oldnew...)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: lib + "/" + name + ".pm", Content: text})
	}
	return files, nil
}

// perlWriter says things about the types of one module in Perl and POD.
type perlWriter struct{ *unit }

// name is how the client calls a type; it only stands in hashes and docs.
func (p perlWriter) name(t *kidl.Typedef) string {
	if p.foreign(t) {
		return t.FullName()
	}
	return t.Name
}

func (p perlWriter) typedef(t *kidl.Typedef) perlType {
	out := perlType{Name: p.name(t), Code: p.code(t.Type, "    "), Doc: pod(t.Doc, deprecation(t.Annotations.Deprecated)...)}
	if t.Type.Kind != kidl.Structure {
		out.Is = p.is(t.Type)
		return out
	}
	for _, f := range t.Type.Fields {
		out.Fields = append(out.Fields, perlField{podEscape(f.Name), p.is(f.Type), f.Optional})
	}
	return out
}

func (p perlWriter) function(names *scope, f *kidl.Function) perlFunction {
	name := snake(f.Name)
	out := perlFunction{
		Name:          f.Name,
		Call:          names.pick(name, "call_"+name),
		Submit:        names.pick("submit_" + name),
		Run:           names.pick("run_" + name),
		Job:           names.pick("job_" + name),
		Doc:           pod(f.Doc, deprecation(f.Annotations.Deprecated)...),
		Authenticates: f.Authentication,
		Async:         f.Async,
	}
	var params, results, variables []string
	local := newScope()
	for _, a := range f.Parameters {
		v := local.pick("$" + ident(a.Name))
		params, variables = append(params, p.code(a.Type, "")), append(variables, v)
		out.Parameters = append(out.Parameters, perlField{Name: v, Is: p.is(a.Type)})
	}
	out.Arguments = strings.Join(variables, ", ")
	if len(variables) > 0 {
		out.Options = ", %option"
	} else {
		out.Options = "%option"
	}
	local, variables = newScope(), nil
	for _, r := range f.Results {
		v := local.pick("$" + ident(r.Name))
		results, variables = append(results, p.code(r.Type, "")), append(variables, v)
		out.Results = append(out.Results, perlField{Name: v, Is: p.is(r.Type)})
	}
	switch len(variables) {
	case 0:
	case 1:
		out.Left = variables[0] + " = "
	default:
		out.Left = "(" + strings.Join(variables, ", ") + ") = "
	}
	out.Code = fmt.Sprintf("{name => %s, params => [%s], results => [%s]}", perlQuote(f.Name), strings.Join(params, ", "), strings.Join(results, ", "))
	return out
}

// code is the description of a type that the runtime reads: the word of a type
// that has no parts, else an array of the word and the parts.
func (p perlWriter) code(t *kidl.Type, indent string) string {
	switch t.Kind {
	case kidl.Named:
		return "$type{" + perlQuote(p.name(t.Typedef())) + "}"
	case kidl.List:
		return "[list => " + p.code(t.Item, indent) + "]"
	case kidl.Mapping:
		return "[mapping => " + p.code(t.Value, indent) + "]"
	case kidl.Tuple:
		var parts []string
		for _, e := range t.Elements {
			parts = append(parts, p.code(e.Type, indent))
		}
		return "[tuple => [" + strings.Join(parts, ", ") + "]]"
	case kidl.Structure:
		if len(t.Fields) == 0 {
			return "[structure => {}]"
		}
		var b strings.Builder
		b.WriteString("[\n" + indent + "structure => {\n")
		for _, f := range t.Fields {
			b.WriteString(indent + "    " + perlQuote(f.Name) + " => " + p.code(f.Type, indent+"    ") + ",\n")
		}
		b.WriteString(indent + "},\n" + strings.TrimSuffix(indent, "    ") + "]")
		return b.String()
	case kidl.Unspecified:
		return "'any'"
	}
	return "'" + string(t.Kind) + "'"
}

// is says in POD what a value of the type is in Perl.
func (p perlWriter) is(t *kidl.Type) string {
	switch t.Kind {
	case kidl.Named:
		name := podEscape(p.name(t.Typedef()))
		return "L<" + name + "|/" + `"` + name + `"` + ">"
	case kidl.String:
		return "text"
	case kidl.Int:
		return "integer"
	case kidl.Float:
		return "number"
	case kidl.List:
		return "array of " + p.is(t.Item)
	case kidl.Mapping:
		return "hash of " + p.is(t.Value)
	case kidl.Tuple:
		var parts []string
		for _, e := range t.Elements {
			parts = append(parts, podEscape(e.Name)+": "+p.is(e.Type))
		}
		return "array of (" + strings.Join(parts, ", ") + ")"
	case kidl.Structure:
		return "hash"
	}
	return "anything"
}

// perlQuote is a text as a literal.
func perlQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// pod turns a doc into paragraphs, those of the doc first; it is empty or ends
// with a line end. What is indented is printed as it is; elsewhere what POD would
// read as its own is masked.
func pod(doc string, more ...string) string {
	lines := docLines(doc)
	if len(more) > 0 && len(lines) > 0 {
		lines = append(lines, "")
	}
	var b strings.Builder
	asIs, begins := false, true
	for _, line := range append(lines, more...) {
		if begins {
			asIs = strings.HasPrefix(line, " ")
		}
		begins = line == ""
		switch {
		case asIs:
			if !begins && !strings.HasPrefix(line, " ") {
				line = " " + line
			}
		default:
			line = podEscape(strings.TrimLeft(line, " "))
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// podEscape masks what POD would read as its own.
func podEscape(text string) string {
	text = strings.NewReplacer("<", "E<lt>", ">", "E<gt>", "|", "E<verbar>", "/", "E<sol>").Replace(text)
	if strings.HasPrefix(text, "=") {
		return "Z<>" + text
	}
	return text
}

// deprecation is the line that a doc has more.
func deprecation(d *kidl.Deprecation) []string {
	switch {
	case d == nil:
		return nil
	case d.Replacement == "":
		return []string{"Deprecated."}
	}
	return []string{"Deprecated: use " + d.Replacement + " instead."}
}

// dotted is the part of a version that Perl and R know: numbers with dots.
func dotted(version string) string {
	numbers := regexp.MustCompile(`^v?([0-9]+(\.[0-9]+)+)`).FindStringSubmatch(version)
	if numbers == nil {
		return "0.0.0"
	}
	return numbers[1]
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
