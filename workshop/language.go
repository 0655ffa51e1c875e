package workshop

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
)

// language is what differs between the languages of modules.
type language struct {
	name      string
	generated string // the file that Generate writes, which shows that a folder is of this language
	vendored  string // folder of the runtime's copy
	runtime   []source
	hello     [2]string // what stands in the author's file, and the function in its place
	run       string    // lines of the manifest's run block
	test      string    // command that runs the module's own tests
}

// source is files of the product that a module gets a copy of.
type source struct{ from, to string }

var languages = map[gen.Language]language{
	gen.Go: {
		name: "Go", generated: "interface.go", vendored: "vendor/github.com/dynsvc/dynsvc",
		runtime: []source{{"sdk/*.go", "sdk"}, {"sdk/sdktest/*.go", "sdk/sdktest"}},
		hello: [2]string{"\tvar result string\n\treturn result, sdk.Errorf(\"hello is not written yet\")\n", `	if params.Name == "" {
		return "", sdk.Errorf("whom shall I greet? name is empty")
	}
	greeting := "Hello"
	if params.Greeting != nil {
		greeting = *params.Greeting
	}
	return greeting + ", " + params.Name, nil
`},
		run: `    build   = ["go", "build", "-trimpath", "-o", "bin/server", "."]
    command = "bin/server"
`,
		test: "go test ./...",
	},
	gen.Python: {
		name: "Python", generated: "interface.py", vendored: "dynsvc",
		runtime: []source{{"sdk/python/dynsvc/*", "."}},
		hello: [2]string{"        raise dynsvc.CallError(\"hello is not written yet\")\n", `        if not params["name"]:
            raise dynsvc.CallError("whom shall I greet? name is empty")
        return "%s, %s" % (params.get("greeting", "Hello"), params["name"])
`},
		run: `    command = "python3"
    args    = ["server.py"]
`,
		test: "python3 -m unittest",
	},
	gen.JavaScript: {
		name: "JavaScript", generated: "interface.js", vendored: "vendor/dynsvc-sdk",
		runtime: []source{
			{"sdk/javascript/*.d.ts", "."}, {"sdk/javascript/package.json", "."},
			{"sdk/javascript/README.md", "."}, {"sdk/javascript/src/*.js", "src"},
		},
		hello: [2]string{"    throw new CallError(\"hello is not written yet\");\n", `    if (!params.name) {
      throw new CallError("whom shall I greet? name is empty");
    }
    return ` + "`${params.greeting ?? \"Hello\"}, ${params.name}`" + `;
`},
		run: `    build   = ["npm", "install", "--omit=dev", "--no-audit", "--no-fund"]
    command = "node"
    args    = ["server.js"]
`,
		test: "node --test test/*.test.js",
	},
}

// Languages are those that modules can be written in, by name.
func Languages() []string {
	var names []string
	for l := range languages {
		names = append(names, string(l))
	}
	slices.Sort(names)
	return names
}

// ParseLanguage reads the name of a language of modules.
func ParseLanguage(name string) (gen.Language, error) {
	if _, ok := languages[gen.Language(name)]; !ok {
		return "", service.Errorf(service.ErrInvalid, "modules cannot be laid out in %q: there are %s", name, strings.Join(Languages(), ", "))
	}
	return gen.Language(name), nil
}

// LanguageOf tells by its generated file which language a module's folder is of.
func LanguageOf(fsys fs.FS) (gen.Language, error) {
	var found, looked []string
	for _, name := range Languages() {
		file := languages[gen.Language(name)].generated
		looked = append(looked, file)
		if _, err := fs.Stat(fsys, file); err == nil {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 1:
		return gen.Language(found[0]), nil
	case 0:
		return "", service.Errorf(service.ErrNotFound, "there is no %s, which would say the language: name it with -lang", strings.Join(looked, ", "))
	}
	return "", service.Errorf(service.ErrInvalid, "the folder has generated files of %s: name the language with -lang", strings.Join(found, " and "))
}

// runtimeOf is the copy of the runtime that a module of the language has.
func (l language) runtimeOf(files fs.FS) ([]gen.File, error) {
	var all []gen.File
	for _, s := range l.runtime {
		names, err := fs.Glob(files, s.from)
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("the runtime for %s: no %s in this program: %w", l.name, s.from, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			content, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, fmt.Errorf("the runtime for %s: %w", l.name, err)
			}
			all = append(all, gen.File{Path: path.Join(l.vendored, s.to, path.Base(name)), Content: content})
		}
	}
	return all, nil
}
