package gen

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// pythonTidy leaves two blank lines where there are more, and none at the end.
func pythonTidy(text []byte) []byte {
	text = regexp.MustCompile(`\n{4,}`).ReplaceAll(text, []byte("\n\n\n"))
	return append(bytes.TrimRight(text, "\n"), '\n')
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
