package gen

import (
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// describe is the name of a value, and of its type where Java has none of that
// name.
func (w *javaWriter) describe(name string, t *kidl.Type) string {
	def := t.Typedef()
	if def == nil || w.names[def] != "" {
		return htmlEscape(name)
	}
	more := def.Name
	if doc := docLines(def.Doc); len(doc) > 0 {
		more += ": " + doc[0]
	}
	return htmlEscape(name + " (" + more + ")")
}

// or is the lines, or one line where there are none.
func or(lines []string, otherwise string) []string {
	if len(lines) == 0 {
		return []string{otherwise}
	}
	return lines
}

// after is lines with a blank one before them.
func after(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	return append([]string{""}, lines...)
}

// javadoc is a doc as a comment, HTML with its paragraphs. The lines of html are
// put after it as they are.
func javadoc(indent string, lines []string, html ...string) string {
	if len(lines) == 1 && len(html) == 0 {
		return indent + "/** " + htmlEscape(lines[0]) + " */"
	}
	var b strings.Builder
	b.WriteString(indent + "/**\n")
	paragraph := ""
	for _, line := range lines {
		if line == "" {
			b.WriteString(indent + " *\n")
			paragraph = "<p>"
			continue
		}
		b.WriteString(indent + " * " + paragraph + htmlEscape(line) + "\n")
		paragraph = ""
	}
	for i, line := range html {
		if i == 0 {
			b.WriteString(indent + " *\n")
		}
		b.WriteString(indent + " * " + line + "\n")
	}
	b.WriteString(indent + " */")
	return b.String()
}

// htmlEscape masks what Javadoc, HTML or Java itself would read as their own.
func htmlEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", `\`, "&#92;", "*/", "*&#47;", "{", "&#123;", "}", "&#125;").Replace(text)
}
