// The module Smallest. This file is yours: it was written once. The functions of
// the interface are declared in interface.go, which is written again with each
// change of it.
package main

import (
	"context"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type smallest struct{}

func main() {
	m := sdk.New("Smallest", sdk.Options{})
	register(m, &smallest{})
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
