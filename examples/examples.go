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

//go:embed filtercontigs treebrowser
//go:embed filtercontigs/dynsvc/__init__.py
var folders embed.FS

// All returns the examples in the order of their names.
func All() []Example {
	var all []Example
	for _, name := range []string{"filtercontigs", "treebrowser"} {
		files, err := fs.Sub(folders, name)
		if err != nil {
			panic(err) // a broken build: the names are those embedded above
		}
		all = append(all, Example{Name: name, Files: files})
	}
	return all
}
