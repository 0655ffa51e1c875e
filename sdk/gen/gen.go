package gen

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// Language is what is generated.
type Language string

// The languages of clients. The first, second and fourth also have servers.
const (
	Go         Language = "go"
	Python     Language = "python"
	TypeScript Language = "typescript"
	JavaScript Language = "javascript"
	Java       Language = "java"
	Perl       Language = "perl"
	R          Language = "r"
)

// Kind is which side of a call is generated.
type Kind string

// The kinds of code.
const (
	Client Kind = "client"
	Server Kind = "server"
)

// Options say what to generate.
type Options struct {
	Language Language
	Kind     Kind // empty: Client
	// Module is one of the model's. Empty: the only one.
	Module string
	// Version is what a client calls unless told otherwise: a tag, a version, a
	// range or a commit. Empty: whatever the server offers first, its release.
	Version string
	// Package is the name of the package, module or namespace in the way of the
	// language. Empty: made from the module's name.
	Package string
	// ProductVersion is the version of dynsvc that the code says it comes from.
	// Empty: it says none.
	ProductVersion string
}

// File is a generated file.
type File struct {
	// Path is relative to the folder that the caller chose, with slashes.
	Path    string
	Content []byte
	// Keep marks a file that is the author's once it exists: it is written where
	// there is none, and never overwritten.
	Keep bool
}

// ErrUnknown is the error for a language or a kind that is not offered.
var ErrUnknown = errors.New("not offered")

// generator writes the files of one language and kind.
type generator func(u *unit) ([]File, error)

// generators are all there are.
var generators = map[Kind]map[Language]generator{
	Client: {
		Go:         goClient,
		Python:     pythonClient,
		TypeScript: typescriptClient,
		JavaScript: javascriptClient,
		Java:       javaClient,
		Perl:       perlClient,
		R:          rClient,
	},
	Server: {
		Go:         goServer,
		Python:     pythonServer,
		JavaScript: javascriptServer,
	},
}

// Languages lists what there is of a kind, in the order of the alphabet.
func Languages(kind Kind) []Language {
	var all []Language
	for l := range generators[kind] {
		all = append(all, l)
	}
	slices.Sort(all)
	return all
}

// Generate writes the code for one module of the model. The files are sorted by
// path. The model must be free of faults; one of a faulty source has holes that
// generated code would hide.
func Generate(m *kidl.Model, o Options) ([]File, error) {
	if o.Kind == "" {
		o.Kind = Client
	}
	write, ok := generators[o.Kind][o.Language]
	if !ok {
		return nil, fmt.Errorf("generate a %s in %q: %w: there are %s", o.Kind, o.Language, ErrUnknown, join(Languages(o.Kind)))
	}
	u, err := newUnit(m, o)
	if err != nil {
		return nil, err
	}
	files, err := write(u)
	if err != nil {
		return nil, fmt.Errorf("generate a %s of %s in %s: %w", o.Kind, u.module.Name, o.Language, err)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range files {
		if f.Path != path.Clean(f.Path) || strings.HasPrefix(f.Path, "../") || path.IsAbs(f.Path) {
			return nil, fmt.Errorf("generate %s: the path leaves its folder", f.Path)
		}
		if i > 0 && f.Path == files[i-1].Path {
			return nil, fmt.Errorf("generate %s: two files have this path", f.Path)
		}
	}
	return files, nil
}

func join[S ~string](all []S) string {
	text := make([]string, len(all))
	for i, s := range all {
		text[i] = string(s)
	}
	return strings.Join(text, ", ")
}
