// Package dynsvc carries the runtimes for module authors inside of the program,
// as the files that they are, so that a module's folder can have a runtime of
// its own and needs no package registry. It holds nothing else; the folders
// beside it are the product.
package dynsvc

import "embed"

// Runtimes has sdk (Go), sdk/python/dynsvc and sdk/javascript.
//
//go:embed sdk/*.go sdk/sdktest/*.go
//go:embed sdk/python/dynsvc/*.py sdk/python/dynsvc/py.typed
//go:embed sdk/javascript/src/*.js sdk/javascript/*.d.ts sdk/javascript/package.json sdk/javascript/README.md
var Runtimes embed.FS
