package gen

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// javaWords cannot be names of variables, methods and packages.
var javaWords = setOf(`abstract assert boolean break byte case catch char class const continue default do double else
	enum extends false final finally float for goto if implements import instanceof int interface long native new null
	package private protected public return short static strictfp super switch synchronized this throw throws transient
	true try void volatile while _`)

// javaClasses are the classes that generated code names, so that none of the
// interface can be called like them.
var javaClasses = setOf(`Object String Long Double Void Override Deprecated List Map LinkedHashMap Objects Duration
	JsonNode JsonAnyGetter JsonAnySetter JsonAutoDetect JsonFormat JsonInclude JsonProperty JsonPropertyOrder
	TypeReference Caller ClientOptions Job Json Returns WaitOptions`)

// javaMethods are those that every object has.
var javaMethods = setOf(`getClass hashCode equals toString notify notifyAll wait clone finalize`)

var javaPackage = regexp.MustCompile(`^[a-z_][A-Za-z0-9_]*(\.[a-z_][A-Za-z0-9_]*)*$`)

// javaFiles are the runtime.
var javaFiles = []string{
	"CallException", "CallTimeoutException", "Caller", "CancelledException", "ClientOptions", "Job", "JobStatus",
	"Json", "Returns", "RpcException", "TransportException", "WaitOptions",
}

// javaClientData is what the template of the client sees.
type javaClientData struct {
	Banner, Package string
	Imports         []string
	Name, Module    string
	Ref             string
	Doc             string
	Returns         []javaReturns
	Functions       []javaFunction
}

// javaReturns is a constant that says what functions return.
type javaReturns struct{ Name, Type, Value string }

type javaFunction struct {
	Name                   string // of the interface
	Call, Submit, Run, Job string
	Signature              string // Long number, String text
	Arguments              string // , number, text
	Waiting                string // the name of the parameter for options
	Result                 string // void or a type
	Type                   string // Void or a type
	Constant               string
	Doc                    string // Javadoc before the tags, without its end
	Params                 []javaField
	Returns                string
	Deprecated             bool
	DeprecatedText         string
}

// javaWriter knows the names of the classes.
type javaWriter struct {
	*unit
	pkg     string
	classes *scope
	names   map[*kidl.Typedef]string
	tuples  map[int]string // classes of tuples without a name, by length
}

func javaClient(u *unit) ([]File, error) {
	w := &javaWriter{
		unit: u, pkg: u.opts.Package, names: map[*kidl.Typedef]string{}, tuples: map[int]string{},
		classes: newScope(), // folded below
	}
	if w.pkg == "" {
		w.pkg = "dynsvc." + newScope(javaWords).pick(strings.ToLower(pascal(u.module.Name)), strings.ToLower(pascal(u.module.Name))+"_")
	}
	if !javaPackage.MatchString(w.pkg) {
		return nil, fmt.Errorf("%q is no name of a Java package: give one like org.example.things", w.pkg)
	}
	for _, part := range strings.Split(w.pkg, ".") {
		if javaWords[part] {
			return nil, fmt.Errorf("%q is no name of a Java package: %s is a word of the language", w.pkg, part)
		}
	}
	w.classes.fold = true // they are files
	for name := range javaClasses {
		w.classes.take(name)
	}

	last := w.pkg[strings.LastIndexByte(w.pkg, '.')+1:]
	root := last + "-client"
	folder := root + "/src/main/java/" + strings.ReplaceAll(w.pkg, ".", "/") + "/"
	client := javaClientData{
		Banner: u.banner(), Package: w.pkg, Module: u.module.Name, Ref: strconv.QuoteToASCII(u.opts.Version),
		Name: w.classes.pick(upperFirst(pascal(u.module.Name)) + "Client"),
	}
	var files []File
	add := func(name, template string, data any) error {
		text, err := render("java/"+template, nil, data)
		files = append(files, File{Path: name, Content: text})
		return err
	}
	for _, foreign := range []bool{false, true} { // the module's own have the first choice
		for _, t := range u.types {
			if u.foreign(t) == foreign && (t.Type.Kind == kidl.Structure || t.Type.Kind == kidl.Tuple) {
				w.names[t] = w.classes.pick(upperFirst(pascal(t.Name)), upperFirst(pascal(t.Module))+upperFirst(pascal(t.Name)))
			}
		}
	}
	for _, t := range u.types {
		if w.names[t] == "" {
			continue
		}
		if err := add(folder+w.names[t]+".java", "Structure.java.tmpl", w.class(t)); err != nil {
			return nil, err
		}
	}
	methods := newScope(javaWords, javaMethods, setOf("withTimeout"))
	constants := newScope(setOf("DEFAULT_VERSION"))
	for _, f := range u.module.Functions {
		fn, result := w.function(methods, f)
		if result != nil {
			if err := add(folder+result.Name+".java", "Structure.java.tmpl", *result); err != nil {
				return nil, err
			}
		}
		value := "Returns.nothing()"
		switch len(f.Results) {
		case 0:
		case 1:
			value = "Returns.one(new TypeReference<>() {})"
		default:
			value = fmt.Sprintf("Returns.all(new TypeReference<>() {}, %d)", len(f.Results))
		}
		fn.Constant = constants.pick(strings.ToUpper(snake(f.Name)))
		client.Returns = append(client.Returns, javaReturns{fn.Constant, fn.Type, value})
		client.Functions = append(client.Functions, fn)
	}
	for n := range w.tuples {
		if err := add(folder+w.tuples[n]+".java", "Structure.java.tmpl", w.tuple(n)); err != nil {
			return nil, err
		}
	}
	client.Doc = javadoc("", append([]string{"Calls the functions of the module " + u.module.Name + "."}, after(docLines(u.module.Doc))...), example(client)...)
	client.Imports = w.clientImports(client)
	if err := add(folder+client.Name+".java", "Client.java.tmpl", client); err != nil {
		return nil, err
	}
	if err := add(root+"/pom.xml", "pom.xml.tmpl", map[string]string{
		"Banner": u.banner(), "Group": group(w.pkg), "Artifact": root, "Version": dotted(u.opts.ProductVersion), "Module": u.module.Name,
	}); err != nil {
		return nil, err
	}
	for _, name := range javaFiles {
		oldnew := []string{"dynsvcclient", w.pkg}
		if name == "Caller" {
			oldnew = append(oldnew, "dynsvc-client-java/0", u.agent())
		}
		text, err := verbatim("java/"+name+".java", oldnew...)
		if err != nil {
			return nil, err
		}
		text = append([]byte("// "+u.banner()+"\n\n"), text...)
		files = append(files, File{Path: folder + "runtime/" + name + ".java", Content: text})
	}
	return files, nil
}

// example shows how a client is used, with its first function.
func example(c javaClientData) []string {
	lines := []string{
		"<pre>{@code",
		c.Name + " client = new " + c.Name + "(new ClientOptions().url(\"https://dynsvc.example.org\").token(token));",
	}
	if len(c.Functions) > 0 {
		f := c.Functions[0]
		arguments := strings.TrimPrefix(f.Arguments, ", ")
		left, again := "", ""
		if f.Returns != "" {
			left, again = f.Result+" result = ", "result = "
		}
		lines = append(lines,
			left+"client."+f.Call+"("+arguments+");",
			"Job<"+f.Type+"> job = client."+f.Submit+"("+arguments+");",
			again+"job.await(new WaitOptions().timeout(Duration.ofHours(1)).progress(System.out::println));",
		)
	}
	return append(lines, "}</pre>")
}

// group is what a Maven artifact of the package belongs to.
func group(pkg string) string {
	if i := strings.LastIndexByte(pkg, '.'); i > 0 {
		return pkg[:i]
	}
	return pkg
}

func (w *javaWriter) function(methods *scope, f *kidl.Function) (javaFunction, *javaClass) {
	name, long := camel(f.Name), upperFirst(pascal(f.Name))
	fn := javaFunction{
		Name: f.Name, Deprecated: f.Annotations.Deprecated != nil,
		Call: methods.pick(name, "call"+long), Submit: methods.pick("submit" + long), Run: methods.pick("run" + long), Job: methods.pick("job" + long),
	}
	lines := or(docLines(f.Doc), "Calls the function "+f.Name+".")
	switch f.Authentication {
	case "required":
		lines = append(lines, "", "Needs a token.")
	case "optional":
		lines = append(lines, "", "May do more with a token.")
	}
	if f.Async {
		lines = append(lines, "", "Takes long: meant to be run as a job.")
	}
	fn.Doc = strings.TrimSuffix(javadoc("    ", lines), "\n     */")
	if !strings.Contains(fn.Doc, "\n") { // a single line
		fn.Doc = "    /**\n     * " + strings.TrimSuffix(strings.TrimPrefix(fn.Doc, "    /** "), " */")
	}
	local := newScope(javaWords, setOf("caller"))
	var signature []string
	for _, p := range f.Parameters {
		v := local.pick(camel(p.Name), camel(p.Name)+"Value")
		typ := w.typ(p.Type)
		signature = append(signature, typ+" "+v)
		fn.Arguments += ", " + v
		fn.Params = append(fn.Params, javaField{Variable: v, Type: typ, Doc: w.describe(p.Name, p.Type)})
	}
	fn.Signature = strings.Join(signature, ", ")
	fn.Waiting = local.pick("waiting")
	var result *javaClass
	switch len(f.Results) {
	case 0:
		fn.Type, fn.Result = "Void", "void"
	case 1:
		fn.Type = w.typ(f.Results[0].Type)
		fn.Result, fn.Returns = fn.Type, w.describe(cmp.Or(f.Results[0].Declared, "the result"), f.Results[0].Type)
	default:
		result = w.result(f)
		fn.Type, fn.Result, fn.Returns = result.Name, result.Name, "all results"
	}
	if fn.DeprecatedText = "it will go"; fn.Deprecated && f.Annotations.Deprecated.Replacement != "" {
		fn.DeprecatedText = "use " + htmlEscape(f.Annotations.Deprecated.Replacement) + " instead"
	}
	return fn, result
}

func (w *javaWriter) clientImports(c javaClientData) []string {
	all := []string{"java.time.Duration", w.pkg + ".runtime.Caller", w.pkg + ".runtime.ClientOptions"}
	for _, f := range c.Functions {
		for _, p := range f.Params {
			all = append(all, typeImports(p.Type)...)
		}
		all = append(all, typeImports(f.Type)...)
		all = append(all, w.pkg+".runtime.Job", w.pkg+".runtime.Returns", w.pkg+".runtime.WaitOptions")
		if f.Type != "Void" {
			all = append(all, jackson+"core.type.TypeReference")
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
