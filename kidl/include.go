package kidl

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Load reads the file called name and what it includes from fsys, and checks
// it. Included files are looked up beside the main one, whoever includes them;
// paths that leave fsys are refused. (Take the FS of an os.Root for a folder
// that others have written: it does not follow links to the outside.)
//
// A model comes back whatever is wrong, except when the file cannot be read;
// the error is then of another type than [Faults].
func Load(fsys fs.FS, name string) (*Model, error) {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read interface %s: %w", name, err)
	}
	return LoadSource(fsys, name, src)
}

// LoadSource is [Load] for a main file that is at hand; fsys is only asked for
// what it includes, and may be nil where there is nothing.
func LoadSource(fsys fs.FS, name string, src []byte) (*Model, error) {
	l := &loader{fsys: fsys, dir: path.Dir(name), main: name, units: map[string]*unit{}}
	u := l.read(path.Clean(name), name, src)
	m := &Model{File: name, Modules: u.modules, Included: l.included, Warnings: l.warnings.sorted(name)}
	if m.Modules == nil {
		m.Modules = []*Module{}
	}
	return m, l.faults.sorted(name).err()
}

// loader reads a file and, each once, the files it includes.
type loader struct {
	fsys      fs.FS
	dir, main string
	units     map[string]*unit // by clean path
	stack     []string         // being read, the main file first
	included  []*Module
	faults    Faults
	warnings  Faults
}

// unit is one file that was read and checked.
type unit struct {
	modules  []*Module
	scopes   map[string]*scope // of these modules
	trailing *Comment          // the module that includes the file may take it as its doc
	faulty   bool
}

func (l *loader) read(key, name string, src []byte) *unit {
	f, faults := parse(name, src)
	base := len(l.faults)
	l.faults = append(l.faults, faults...)
	u := &unit{scopes: map[string]*scope{}, faulty: f.faulty}
	l.units[key] = u
	l.stack = append(l.stack, key)
	c := &checker{file: f, unit: u, main: len(l.stack) == 1, base: base, visible: map[string]*scope{}, loader: l}
	var inherited *Comment
	for _, line := range f.Includes {
		in := l.include(f, line)
		if in == nil {
			c.blind = true
			continue
		}
		inherited = in.trailing
		for name, s := range in.scopes {
			c.visible[name] = s
		}
	}
	l.stack = l.stack[:len(l.stack)-1]
	c.check(inherited)
	if u.trailing = f.trailing; u.trailing == nil && len(f.Modules) == 0 {
		u.trailing = inherited
	}
	return u
}

// include gives the unit that a line names; nil after a fault.
func (l *loader) include(f *File, line *IncludeLine) *unit {
	name, err := l.resolve(line.Path)
	if err != nil {
		l.fault(f.Name, line.At, err.Error())
		return nil
	}
	if u, ok := l.units[name]; ok {
		for i, open := range l.stack {
			if open == name {
				l.fault(f.Name, line.At, "the file includes itself: "+strings.Join(append(l.stack[i:len(l.stack):len(l.stack)], name), " includes "))
				return nil
			}
		}
		return u
	}
	src, err := l.open(name)
	if err != nil {
		l.fault(f.Name, line.At, err.Error())
		return nil
	}
	before := len(l.faults)
	u := l.read(name, name, src)
	l.included = append(l.included, u.modules...)
	if n := len(l.faults[before:].sorted(name)); n > 0 {
		u.faulty = true
		l.fault(f.Name, line.At, fmt.Sprintf("%s, included here, has faults of its own: %d", name, n))
	}
	return u
}

// maxIncludes bounds how many files may include one another in a row.
const maxIncludes = 100

func (l *loader) open(name string) ([]byte, error) {
	if len(l.stack) >= maxIncludes {
		return nil, fmt.Errorf("includes are nested deeper than %d files", maxIncludes)
	}
	if l.fsys == nil {
		return nil, fmt.Errorf("cannot find the included file %s: there are no files beside this one", name)
	}
	src, err := fs.ReadFile(l.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot find the included file %s: put it beside the interface, or correct its name", name)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the included file: %w", err)
	}
	return src, nil
}

// resolve turns the path of an include line into a name in the file system.
func (l *loader) resolve(written string) (string, error) {
	p := strings.Trim(written, blanks)
	if p == "" {
		return "", errors.New("expected a file between < and >, as in #include <types.spec>")
	}
	if path.IsAbs(p) || strings.Contains(p, `\`) || len(p) > 1 && p[1] == ':' {
		return "", fmt.Errorf("expected a path relative to the interface with / between folders, found %s", p)
	}
	name := path.Join(l.dir, p)
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("the included file %s lies outside the module's folder: copy it in", p)
	}
	return name, nil
}

func (l *loader) fault(file string, at Position, message string) {
	l.faults = append(l.faults, Fault{File: file, Line: at.Line, Col: at.Col, Message: message})
}

func (l *loader) warn(file string, at Position, message string) {
	l.warnings = append(l.warnings, Fault{File: file, Line: at.Line, Col: at.Col, Message: message})
}
