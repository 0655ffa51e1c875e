// Package examples holds small modules that show how a service is written. They
// are registered by dynsvc dev where it is given no folder, and are part of the
// binary for that. It runs nothing itself.
package examples

import (
	"embed"
	"io/fs"
)

// Example is a module's folder.
type Example struct {
	Name  string
	Files fs.FS
}

// What assemblystats is built to is not in its folder.
//
//go:embed assemblystats/*.go assemblystats/*.spec assemblystats/module.hcl assemblystats/README.md
//go:embed assemblystats/.dynsvcignore assemblystats/tests
//go:embed filtercontigs treebrowser
//go:embed filtercontigs/dynsvc/__init__.py
var folders embed.FS

// All returns the examples in the order of their names.
func All() []Example {
	var all []Example
	for _, name := range []string{"assemblystats", "filtercontigs", "treebrowser"} {
		files, err := fs.Sub(folders, name)
		if err != nil {
			panic(err) // a broken build: the names are those embedded above
		}
		all = append(all, Example{Name: name, Files: files})
	}
	return all
}
