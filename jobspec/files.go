package jobspec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/templates"
)

const (
	extension = ".nomad.hcl.tmpl"
	parts     = "parts" + extension
)

// unfit are functions of text/template that print a value in another form than
// its own; a template that calls one is refused when it is read.
var unfit = []string{"html", "js", "urlquery", "print", "printf", "println"}

// readTemplates parses the template of each driver together with the shared
// parts. A file in override stands in for the one of the same name.
func readTemplates(override fs.FS) (map[string]*template.Template, error) {
	if err := checkNames(override); err != nil {
		return nil, err
	}
	shared, err := readTemplate(override, parts)
	if err != nil {
		return nil, err
	}
	byDriver := map[string]*template.Template{}
	var faults []error
	for _, driver := range Drivers {
		own, err := readTemplate(override, driver+extension)
		if err != nil {
			return nil, err
		}
		t := template.New(driver+extension).Delims("[[", "]]").Option("missingkey=error").Funcs(refusing())
		if _, err = t.New(parts).Parse(shared); err == nil {
			_, err = t.Parse(own)
		}
		if err != nil {
			faults = append(faults, templateFault(err))
			continue
		}
		byDriver[driver] = t
	}
	return byDriver, errors.Join(faults...)
}

func readTemplate(override fs.FS, name string) (string, error) {
	if override != nil {
		text, err := fs.ReadFile(override, name)
		if err == nil {
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read template: %w", err)
		}
	}
	text, err := fs.ReadFile(templates.FS, name)
	if err != nil {
		return "", fmt.Errorf("read built-in template: %w", err)
	}
	return string(text), nil
}

// checkNames refuses a template that would never be read, most likely because
// its name was mistyped.
func checkNames(override fs.FS) error {
	if override == nil {
		return nil
	}
	entries, err := fs.ReadDir(override, ".")
	if err != nil {
		return fmt.Errorf("read template folder: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".tmpl" {
			continue
		}
		if _, err := fs.Stat(templates.FS, e.Name()); err != nil {
			known, _ := fs.Glob(templates.FS, "*") // it fails for a bad pattern only
			return service.Errorf(service.ErrInvalid, "template %s: no such template; there are %s", e.Name(), strings.Join(known, ", "))
		}
	}
	return nil
}

func refusing() template.FuncMap {
	funcs := template.FuncMap{}
	for _, name := range unfit {
		funcs[name] = func(...any) (string, error) {
			return "", fmt.Errorf("a value prints itself, without %s", name)
		}
	}
	return funcs
}

// templateFault cuts text/template's own name from its messages, which leaves
// file:line: message.
func templateFault(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	return service.Errorf(service.ErrInvalid, "%s", text)
}
