package gen

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// javaClass is what the template of a structure or tuple sees.
type javaClass struct {
	Banner, Package string
	Imports         []string
	Name            string
	Doc             string // Javadoc
	Parameters      string // <T1, T2>
	Any             string // <?, ?>
	Tuple           bool
	Fields          []javaField
}

type javaField struct {
	Name     string // of the interface, as a literal
	Variable string
	Get, Set string
	Type     string
	Doc      string
	Optional bool
}

// javaLocals are variables of the methods of a class, which fields would hide.
var javaLocals = setOf("other o")

// typ is a type where it is used. Numbers are objects, because null fits all.
func (w *javaWriter) typ(t *kidl.Type) string {
	if def := t.Typedef(); def != nil {
		if name := w.names[def]; name != "" {
			return name
		}
		return w.typ(def.Type)
	}
	switch t.Kind {
	case kidl.String:
		return "String"
	case kidl.Int:
		return "Long"
	case kidl.Float:
		return "Double"
	case kidl.List:
		return "List<" + w.typ(t.Item) + ">"
	case kidl.Mapping:
		return "Map<String, " + w.typ(t.Value) + ">"
	case kidl.Tuple:
		n := len(t.Elements)
		if w.tuples[n] == "" {
			w.tuples[n] = w.classes.pick("Tuple"+strconv.Itoa(n), "AnyTuple"+strconv.Itoa(n))
		}
		var parts []string
		for _, e := range t.Elements {
			parts = append(parts, w.typ(e.Type))
		}
		return w.tuples[n] + "<" + strings.Join(parts, ", ") + ">"
	}
	return "JsonNode"
}

// class is that of a structure or of a tuple that has a name.
func (w *javaWriter) class(t *kidl.Typedef) javaClass {
	c := javaClass{
		Banner: w.banner(), Package: w.pkg, Name: w.names[t], Tuple: t.Type.Kind == kidl.Tuple,
		Doc: javadoc("", append(or(docLines(t.Doc), "The type "+t.FullName()+" of the interface."), after(deprecation(t.Annotations.Deprecated))...)),
	}
	if c.Tuple {
		w.elements(&c, t.Type.Elements)
	} else {
		members, variables := newScope(javaMethods, setOf("getExtra setExtra")), newScope(javaWords, javaLocals, setOf("extra"))
		for _, f := range t.Type.Fields {
			w.field(&c, members, variables, f.Name, f.Type, f.Optional)
		}
	}
	c.Imports = classImports(c)
	return c
}

// result is the class of what a function with several results returns.
func (w *javaWriter) result(f *kidl.Function) *javaClass {
	name := upperFirst(pascal(f.Name)) + "Result"
	c := javaClass{
		Banner: w.banner(), Package: w.pkg, Name: w.classes.pick(name, name+"s"), Tuple: true,
		Doc: javadoc("", []string{"What the function " + f.Name + " returns."}),
	}
	w.elements(&c, f.Results)
	c.Imports = classImports(c)
	return &c
}

func (w *javaWriter) elements(c *javaClass, list []kidl.Parameter) {
	members, variables := newScope(javaMethods), newScope(javaWords, javaLocals)
	for _, e := range list {
		w.field(c, members, variables, e.Name, e.Type, false)
	}
}

func (w *javaWriter) field(c *javaClass, members, variables *scope, name string, t *kidl.Type, optional bool) {
	f := javaField{Name: strconv.QuoteToASCII(name), Type: w.typ(t), Optional: optional}
	f.Doc = w.describe(name, t)
	if optional {
		f.Doc += " (may be missing)"
	}
	f.Variable = variables.pick(camel(name), camel(name)+"Value")
	f.Get = members.pick("get"+upperFirst(pascal(name)), "get"+upperFirst(pascal(name))+"Value")
	f.Set = members.pick("set" + strings.TrimPrefix(f.Get, "get"))
	c.Fields = append(c.Fields, f)
}

// tuple is the class of tuples of a length that have no name.
func (w *javaWriter) tuple(n int) javaClass {
	c := javaClass{
		Banner: w.banner(), Package: w.pkg, Name: w.tuples[n], Tuple: true,
		Doc: "/**\n * A tuple of " + strconv.Itoa(n) + " that the interface gives no name.\n *\n",
	}
	var names []string
	for i := 1; i <= n; i++ {
		at := strconv.Itoa(i)
		names = append(names, "T"+at)
		c.Fields = append(c.Fields, javaField{
			Name: `"e` + at + `"`, Variable: "e" + at, Get: "getE" + at, Set: "setE" + at, Type: "T" + at, Doc: "element " + at,
		})
		c.Doc += " * @param <T" + at + "> the type of element " + at + "\n"
	}
	c.Doc += " */"
	c.Parameters = "<" + strings.Join(names, ", ") + ">"
	c.Any = "<" + strings.Repeat("?, ", n-1) + "?>"
	c.Imports = classImports(c)
	return c
}

const (
	jackson     = "com.fasterxml.jackson."
	annotations = jackson + "annotation."
)

// classImports are what the class of a structure or tuple refers to.
func classImports(c javaClass) []string {
	all := []string{annotations + "JsonAutoDetect", annotations + "JsonPropertyOrder"}
	if len(c.Fields) > 0 {
		all = append(all, annotations+"JsonProperty")
	}
	if c.Tuple {
		all = append(all, annotations+"JsonFormat")
	} else {
		all = append(all, annotations+"JsonAnyGetter", annotations+"JsonAnySetter", jackson+"databind.JsonNode", "java.util.LinkedHashMap", "java.util.Map")
	}
	for _, f := range c.Fields {
		all = append(all, typeImports(f.Type)...)
		if f.Optional {
			all = append(all, annotations+"JsonInclude")
		}
	}
	all = append(all, "java.util.Objects", c.Package+".runtime.Json")
	slices.Sort(all)
	return slices.Compact(all)
}

var javaWord = regexp.MustCompile(`[A-Za-z0-9_]+`)

func typeImports(typ string) []string {
	var all []string
	for _, word := range javaWord.FindAllString(typ, -1) {
		switch word {
		case "JsonNode":
			all = append(all, jackson+"databind.JsonNode")
		case "List", "Map":
			all = append(all, "java.util."+word)
		}
	}
	return all
}
