// The module AssemblyStats, written in Go with the module's runtime. Its functions
// are declared in interface.go, which follows from AssemblyStats.spec.
package main

import (
	"context"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type assemblyStats struct{}

func newModule() *sdk.Module {
	m := sdk.New("AssemblyStats", sdk.Options{})
	register(m, assemblyStats{})
	return m
}

func main() {
	m := newModule()
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
