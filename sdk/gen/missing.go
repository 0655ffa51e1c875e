package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// Stub is a function of the interface that an author has not written.
type Stub struct {
	Function string // in the words of the interface
	Method   string // what it is called in the author's language
	Code     string // the method with nothing done, to begin with
}

// stub is how a language declares a method: the ending of its files, and a
// pattern with the method's name in the place of NAME.
type stub struct{ ending, pattern string }

var stubs = map[Language]stub{
	Go:         {".go", `(?m)^func \([^)]*\) NAME\(`},
	Python:     {".py", `(?m)^\s+(async\s+)?def NAME\(`},
	JavaScript: {".js", `(?m)^\s*(async\s+)?NAME\s*(\(|=|:)`},
}

// skipped are folders that are not an author's.
var skipped = set{"node_modules": true, "__pycache__": true, "vendor": true, "venv": true}

// Missing says what an author has to add because the interface has gained
// functions: those that no file of fsys, the module's folder, declares. It looks
// for a method's name, not for what it takes and returns, which the compiler or
// the runtime says. The files that Generate overwrites do not count, nor do
// folders of dependencies.
func Missing(m *kidl.Model, o Options, fsys fs.FS) ([]Stub, error) {
	o.Kind = Server
	how, ok := stubs[o.Language]
	if !ok {
		return nil, fmt.Errorf("functions of a module in %q: %w: there are %s", o.Language, ErrUnknown, join(Languages(Server)))
	}
	files, err := Generate(m, o)
	if err != nil {
		return nil, err
	}
	u, err := newUnit(m, o)
	if err != nil {
		return nil, err
	}
	generated := set{}
	for _, f := range files {
		generated[f.Path] = !f.Keep
	}
	source, err := read(fsys, how.ending, generated)
	if err != nil {
		return nil, err
	}
	var missing []Stub
	for _, s := range u.stubs() {
		pattern := strings.Replace(how.pattern, "NAME", regexp.QuoteMeta(s.Method), 1)
		if !regexp.MustCompile(pattern).MatchString(source) {
			missing = append(missing, s)
		}
	}
	return missing, nil
}

// stubs are those of all functions.
func (u *unit) stubs() []Stub {
	var all []Stub
	switch u.opts.Language {
	case Go:
		types := newGoTypes(u, goServed, "", "", true)
		names := newMethods(newScope(), u.served(), goName)
		for _, f := range u.served() {
			all = append(all, Stub{f.Name, names.plain[f], types.served(f, names, goAuthorType(u)).Stub})
		}
	case Python:
		types := newPythonTypes(u, pythonServed)
		names := newMethods(newScope(pythonKeywords), u.served(), pythonName)
		for _, f := range u.served() {
			all = append(all, Stub{f.Name, names.plain[f], types.served(f, names.plain[f]).Stub})
		}
	case JavaScript:
		types := ecmaTypesOf(u, javascriptServed)
		names := newMethods(newScope(ecmaMethods), u.served(), camel)
		for _, f := range u.served() {
			all = append(all, Stub{f.Name, names.plain[f], types.served(f, names.plain[f]).Stub})
		}
	}
	return all
}

// read returns all files with that ending, one after the other.
func read(fsys fs.FS, ending string, without set) (string, error) {
	var all strings.Builder
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (skipped[d.Name()] || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.Type().IsRegular() || path.Ext(name) != ending || without[name]:
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		all.Write(append(text, '\n'))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for the author's functions: %w", err)
	}
	return all.String(), nil
}
