package gen

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// render fills a template of templates/. A name that its data lacks is an error.
func render(name string, funcs template.FuncMap, data any) ([]byte, error) {
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	t, err := template.New(name).Option("missingkey=error").Funcs(funcs).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return out.Bytes(), nil
}

// verbatim is a file of templates/ with words replaced: pairs of what stands
// there and what is wanted, as for strings.NewReplacer. Runtimes are such files,
// so that they can be read, checked and formatted as what they are.
func verbatim(name string, oldnew ...string) ([]byte, error) {
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !bytes.Contains(text, []byte(oldnew[i])) {
			return nil, fmt.Errorf("template %s: %q does not stand there", name, oldnew[i])
		}
	}
	return []byte(strings.NewReplacer(oldnew...).Replace(string(text))), nil
}

// prefixed puts a sign before each line, as comments have it; blank lines get
// the sign without the blank after it.
func prefixed(sign string, lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(sign+line, " "))
	}
	return b.String()
}
