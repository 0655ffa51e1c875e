package workshop

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/dynsvc/dynsvc"
	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
)

//go:embed all:templates
var templates embed.FS

// goPackage is the import path of the product, of which Go modules have a part.
const goPackage = "github.com/dynsvc/dynsvc"

// layout is what the templates are filled with.
type layout struct {
	Module   string // Greeter
	Package  string // greeter: the name where an ecosystem wants lower case
	Language string
	Run      string // lines of the manifest
	Test     string // command
	Version  string // of the product
	Product  string // import path of the product
	Register string // Go: what the functions are registered as, e.g. &greeter{}
	Image    bool   // the manifest names the Dockerfile
}

// Module is a new module to lay out.
type Module struct {
	Name           string
	Language       gen.Language
	ProductVersion string // whose runtime it gets
	Image          bool   // it is to be built from its Dockerfile, where images are built
}

// Scaffold lays out a new module that greets: manifest, interface, generated
// files, the author's own with the function written, tests, example calls, a
// Dockerfile and a copy of the runtime. It works as it is. The files are sorted
// by path and touch no disk.
func Scaffold(m Module) ([]gen.File, error) {
	module, lang := m.Name, m.Language
	l, ok := languages[lang]
	if !ok {
		return nil, service.Errorf(service.ErrInvalid, "modules cannot be laid out in %q", lang)
	}
	if !service.ValidModuleName(module) || module[0] >= '0' && module[0] <= '9' || module[0] == '_' {
		return nil, service.Errorf(service.ErrInvalid, "%q cannot be a module's name here: it has 1 to 63 letters, digits and underscores and begins with a letter", module)
	}
	data := layout{Module: module, Package: strings.ToLower(module), Language: l.name, Run: l.run, Test: l.test,
		Version: goVersion(m.ProductVersion), Product: goPackage, Image: m.Image}
	spec, err := fill("interface.spec", data)
	if err != nil {
		return nil, err
	}
	model, err := kidl.LoadSource(nil, module+".spec", spec)
	if err != nil {
		return nil, fmt.Errorf("lay out %s: %w", module, err)
	}
	files, err := Generate(model, module, lang, m.ProductVersion)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if !f.Keep {
			continue
		}
		if !bytes.Contains(f.Content, []byte(l.hello[0])) {
			return nil, fmt.Errorf("lay out %s: %s has no function to write", module, f.Path)
		}
		files[i].Content = bytes.Replace(f.Content, []byte(l.hello[0]), []byte(l.hello[1]), 1)
		if found := registered.FindSubmatch(f.Content); found != nil {
			data.Register = string(found[1])
		}
	}
	files = append(files, gen.File{Path: module + ".spec", Content: spec})
	own, err := fromTemplates(string(lang), data)
	if err != nil {
		return nil, err
	}
	files = append(files, own...)
	slices.SortFunc(files, func(a, b gen.File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

var registered = regexp.MustCompile(`register\(m, (&\w+\{\})\)`)

// fromTemplates fills what all languages have and what this one has. A file
// whose name begins with "dot" gets a dot there: what is hidden is not embedded.
func fromTemplates(lang string, data layout) ([]gen.File, error) {
	var files []gen.File
	for _, dir := range []string{"all", lang} {
		err := fs.WalkDir(templates, "templates/"+dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel := strings.TrimPrefix(name, "templates/")
			content, err := fill(rel, data)
			if err != nil {
				return err
			}
			to := strings.TrimSuffix(strings.TrimPrefix(rel, dir+"/"), ".tmpl")
			if hidden, ok := strings.CutPrefix(to, "dot"); ok {
				to = "." + hidden
			}
			files = append(files, gen.File{Path: to, Content: content})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("lay out %s: %w", data.Module, err)
		}
	}
	return files, nil
}

// fill fills one template; its marks are [[ and ]], for JSON and code have the
// usual ones.
func fill(name string, data layout) ([]byte, error) {
	text, err := fs.ReadFile(templates, path.Join("templates", name))
	if err != nil {
		return nil, err
	}
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}

// goVersion is a version of the product as go.mod names it.
func goVersion(product string) string {
	if product == "" {
		product = "0.0.0"
	}
	return "v" + strings.TrimPrefix(product, "v")
}

// Generate writes what follows from the interface: the generated files, the
// author's own file where there is none, and the copy of the runtime.
func Generate(model *kidl.Model, module string, lang gen.Language, productVersion string) ([]gen.File, error) {
	files, err := gen.Generate(model, gen.Options{Language: lang, Kind: gen.Server, Module: module, ProductVersion: productVersion})
	if err != nil {
		return nil, err
	}
	copied, err := languages[lang].runtimeOf(dynsvc.Runtimes)
	if err != nil {
		return nil, err
	}
	return append(files, copied...), nil
}

// Vendored is where a module of the language has its copy of the runtime.
func Vendored(lang gen.Language) string { return languages[lang].vendored }

// WithoutRuntime leaves the copy of the runtime out of generated files, for a
// module that has the runtime from elsewhere.
func WithoutRuntime(files []gen.File, lang gen.Language) []gen.File {
	inside := Vendored(lang) + "/"
	return slices.DeleteFunc(slices.Clone(files), func(f gen.File) bool { return strings.HasPrefix(f.Path, inside) })
}

// Differing are the files that a folder lacks or has otherwise.
func Differing(files []gen.File, fsys fs.FS) []gen.File {
	return slices.DeleteFunc(slices.Clone(files), func(f gen.File) bool {
		text, err := fs.ReadFile(fsys, f.Path)
		return err == nil && bytes.Equal(text, f.Content)
	})
}

// TestCommand runs the tests that a new module of the language has.
func TestCommand(lang gen.Language) string { return languages[lang].test }
