package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// buildFolder runs the build command of the module in a folder. A manifest that
// cannot be read is not its business: who registers it says what is wrong.
func buildFolder(ctx context.Context, dir string, out io.Writer) error {
	v, _, err := catalog.ReadManifest(os.DirFS(dir), catalog.StandardDefaults())
	if err != nil {
		return nil //nolint:nilerr // registration reports it, with all faults
	}
	return workshop.Build(ctx, dir, v.Run.Build, out)
}

// withoutDocker is why a module's folder is served without Docker: it has a command,
// which runs in the folder itself and needs no image. Empty: it has none.
func withoutDocker(dir string) string {
	v, _, err := catalog.ReadManifest(os.DirFS(dir), catalog.StandardDefaults())
	if err != nil || v.Run.Command == "" {
		return "" // registration reports what is wrong
	}
	return "the command is what runs in a module's own folder"
}

// folderModel reads the manifest and the interface of a module's folder.
func folderModel(dir string) (service.Version, *kidl.Model, error) {
	v, _, err := catalog.ReadManifest(os.DirFS(dir), catalog.StandardDefaults())
	if err != nil {
		return v, nil, err
	}
	if v.Interface == "" {
		return v, nil, usagef("%s has no interface: name one in its module.hcl", dir)
	}
	model, err := kidl.Load(os.DirFS(dir), v.Interface)
	return v, model, err
}

// generated is what regenerate did.
type generated struct {
	Language gen.Language `json:"language"`
	Files    []string     `json:"files"`   // that changed
	Missing  []gen.Stub   `json:"missing"` // functions that the author has not written
}

// regenerate writes what follows from the interface where it differs from what
// is there. The author's own files are written only where there are none, and
// the runtime's copy only where there is one.
func regenerate(dir string, lang gen.Language) (generated, error) {
	g := generated{Language: lang, Files: []string{}, Missing: []gen.Stub{}}
	v, model, err := folderModel(dir)
	if err != nil {
		return g, err
	}
	fsys := os.DirFS(dir)
	if g.Language == "" {
		if g.Language, err = workshop.LanguageOf(fsys); err != nil {
			return g, err
		}
	}
	files, err := workshop.Generate(model, v.Module, g.Language, version)
	if err != nil {
		return g, err
	}
	if _, err := fs.Stat(fsys, workshop.Vendored(g.Language)); errors.Is(err, fs.ErrNotExist) {
		files = workshop.WithoutRuntime(files, g.Language)
	}
	if g.Files, err = writeFiles(dir, workshop.Differing(files, fsys)); err != nil {
		return g, err
	}
	missing, err := gen.Missing(model, gen.Options{Language: g.Language, Module: v.Module, ProductVersion: version}, fsys)
	g.Missing = append(g.Missing, missing...)
	return g, err
}
