package kidl

import (
	"slices"
	"strings"
)

// blanks is the white space of comments and annotations.
const blanks = " \t\r\n"

// doc is the text of a comment as every reader of the model sees it: without
// delimiters, tabs as eight blanks, its first line trimmed, the others moved to
// the left by the indentation of the second, nothing blank at either end.
// Leading stars stay; see [PlainDoc].
func (c *Comment) doc() string {
	if c == nil {
		return ""
	}
	body := strings.TrimSuffix(strings.TrimPrefix(c.Text, "/*"), "*/")
	body = strings.ToValidUTF8(body, "\ufffd")
	if !strings.ContainsAny(body, "\t\r\n") {
		return strings.Trim(body, blanks)
	}
	lines := splitLines(strings.ReplaceAll(body, "\t", "        "))
	indent := 0
	if len(lines) > 1 {
		indent = len(lines[1]) - len(strings.TrimLeft(lines[1], " "))
	}
	for i, line := range lines {
		lines[i] = outdent(line, indent)
	}
	return strings.Trim(strings.Join(lines, "\n"), blanks)
}

// outdent removes n letters of indentation; a line that has less keeps all.
func outdent(line string, n int) string {
	if len(line) >= n && strings.Trim(line[:n], " ") == "" {
		return line[n:]
	}
	return line
}

// splitLines cuts at LF, CR and CRLF.
func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// PlainDoc is a doc for people: without the stars that begin the lines of
//
//	/**
//	 * like this one
//	 */
//
// Docs in the model keep them, because annotations are only read from lines
// that begin with @.
func PlainDoc(doc string) string {
	if !strings.Contains(doc, "*") {
		return doc
	}
	lines := strings.Split(doc, "\n")
	indent := 0
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "*"); ok && !strings.HasPrefix(rest, "*") {
			line = rest
		}
		if i == 1 {
			indent = len(line) - len(strings.TrimLeft(line, " "))
		}
		if i > 0 {
			line = outdent(line, indent)
		} else {
			line = strings.TrimLeft(line, " ")
		}
		lines[i] = line
	}
	return strings.Trim(strings.Join(lines, "\n"), blanks)
}

// Prose is a doc without stars and without the annotations that the model
// carries in a form of their own.
func Prose(doc string) string {
	if !strings.Contains(doc, "@") {
		return PlainDoc(doc)
	}
	var kept []string
	for line := range strings.SplitSeq(doc, "\n") {
		name, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "@")
		if !ok || !slices.Contains(knownAnnotations, firstWord(name)) {
			kept = append(kept, line)
		}
	}
	return PlainDoc(strings.Join(kept, "\n"))
}
