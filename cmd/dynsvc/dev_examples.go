package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/examples"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// registerExample registers an example as it is, or builds it first in a folder of
// its own.
func (st *stack) registerExample(ctx context.Context, e examples.Example) (service.Version, error) {
	v, _, err := catalog.ReadManifest(e.Files, catalog.StandardDefaults())
	if err != nil {
		return v, err
	}
	if len(v.Run.Build) == 0 {
		v, _, err = st.catalog.Register(ctx, catalog.Upload{Files: e.Files, Tag: service.Dev, By: service.Operator("dev")})
		return v, err
	}
	dir := filepath.Join(st.dataDir, "examples", e.Name)
	if err := layOut(dir, v.Module, e.Files); err != nil {
		return v, err
	}
	var said strings.Builder
	if err := buildFolder(ctx, dir, &said); err != nil {
		return v, fmt.Errorf("%w\n%s", err, said.String())
	}
	v, _, err = st.registerFolder(ctx, dir, &said)
	return v, err
}

// layOut makes a folder of an example that is written in Go.
func layOut(dir, module string, files fs.FS) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return err
	}
	more, err := workshop.Alone(module, gen.Go, version)
	if err != nil {
		return err
	}
	_, err = writeFiles(dir, more)
	return err
}
