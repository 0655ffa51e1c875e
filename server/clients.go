package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
)

// archive is a generated client as a tar.gz.
type archive struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// client generates a client of a version. It calls what the reference in the path
// means at the time of the call.
func (a *api) client(ctx context.Context, in *struct {
	VersionRef
	Language string `path:"language" doc:"go, python, typescript, javascript, java, perl or r"`
	Package  string `query:"package" doc:"name of the package, module or namespace; empty: made from the module's name"`
}) (*archive, error) {
	v, err := a.find(ctx, in.VersionRef)
	if err != nil {
		return nil, err
	}
	model, err := a.Catalog.Interface(ctx, v)
	if err != nil {
		return nil, err
	}
	files, err := gen.Generate(model, gen.Options{Language: gen.Language(in.Language), Module: v.Module, Version: in.Ref,
		Package: in.Package, ProductVersion: a.opts.Version})
	if errors.Is(err, gen.ErrUnknown) {
		return nil, service.Errorf(service.ErrNotFound, "%w", err)
	}
	if err != nil {
		return nil, err
	}
	body, err := packed(files)
	name := fmt.Sprintf("%s-%s-%s.tar.gz", v.Module, v.Version, in.Language)
	return &archive{ContentType: "application/gzip", Disposition: `attachment; filename="` + name + `"`, Body: body}, err
}

// packed is a tar.gz of the files; the same files give the same bytes.
func packed(files []gen.File) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	t := tar.NewWriter(zip)
	for _, f := range files {
		if err := t.WriteHeader(&tar.Header{Name: f.Path, Mode: 0o644, Size: int64(len(f.Content)), Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.Content); err != nil {
			return nil, err
		}
	}
	err := errors.Join(t.Close(), zip.Close())
	return out.Bytes(), err
}
