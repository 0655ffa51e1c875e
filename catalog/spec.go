package catalog

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

var (
	specComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	specModule  = regexp.MustCompile(`\bmodule\s+(?:[A-Za-z][A-Za-z0-9_$-]*\s*:\s*)?([A-Za-z][A-Za-z0-9_$-]*)\s*\{`)
)

// findInterface chooses the main one among the interface files in the top
// folder: the one that defines a module of this name, else the one that is
// named so, else the only one. Repositories without one speak plain HTTP.
func (k *kbase) findInterface(fsys fs.FS, v *service.Version) []Notice {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		k.fault(k.start[""], "its folder cannot be read: %v", err)
		return nil
	}
	var specs, defining []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".spec") {
			continue
		}
		specs = append(specs, e.Name())
		if defines(fsys, e.Name(), v.Module) {
			defining = append(defining, e.Name())
		}
	}
	named := v.Module + ".spec"
	switch {
	case slices.Contains(defining, named):
		v.Interface = named
	case len(defining) > 0:
		v.Interface = defining[0]
	case slices.Contains(specs, named):
		v.Interface = named
	case len(specs) == 1:
		v.Interface = specs[0]
	case len(specs) == 0:
		return []Notice{k.file + ": no .spec file in the top folder: taken as a plain HTTP service"}
	default:
		return []Notice{fmt.Sprintf("%s: none of %s defines module %s: taken as a plain HTTP service", k.file, strings.Join(specs, ", "), v.Module)}
	}
	if text := missing(fsys, v.Interface, false); text != "" {
		k.fault(k.start[""], "interface %s", text)
	}
	if v.Interface != named {
		return []Notice{k.file + ": the interface is " + v.Interface}
	}
	return nil
}

// defines looks for the module's definition without reading the language.
func defines(fsys fs.FS, file, module string) bool {
	text, err := readText(fsys, file, maxInterface)
	if err != nil {
		return false
	}
	for _, m := range specModule.FindAllSubmatch(specComment.ReplaceAll(text, []byte(" ")), -1) {
		if string(m[1]) == module {
			return true
		}
	}
	return false
}
