package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/service"
)

// statusMethod is what every KBase module answers though no interface names it.
const statusMethod = "status"

// suffixKIDL is that of the interface language's files.
const suffixKIDL = ".spec"

// methodFault is something about one method of a manifest, by its index there.
type methodFault struct {
	method int // -1: about the interface as a whole
	text   string
}

// methodsOf reads the version's interface and completes the methods: what the
// manifest says of one, and the defaults for those that it does not name. given
// tells which methods had a mode of their own in the manifest. Where the
// interface cannot be read the methods stay as they are.
func methodsOf(fsys fs.FS, v *service.Version, d Defaults, given func(i int) bool) (faults []methodFault, mistakes kidl.Faults, warnings kidl.Faults) {
	if !strings.HasSuffix(v.Interface, suffixKIDL) {
		return nil, nil, nil
	}
	model, err := kidl.Load(fsys, v.Interface)
	if err != nil && !errors.As(err, &mistakes) {
		return []methodFault{{-1, "cannot be read: " + err.Error()}}, nil, nil
	}
	if len(mistakes) > 0 {
		return nil, mistakes, nil
	}
	module, ok := model.Module(v.Module)
	if !ok {
		return []methodFault{{-1, fmt.Sprintf("%s defines no module %s: name the module in it as in the manifest", v.Interface, v.Module)}}, nil, nil
	}
	said := make(map[string]int, len(v.Methods))
	for i, m := range v.Methods {
		said[m.Name] = i
	}
	var methods []service.Method
	names := []string{statusMethod}
	for _, f := range module.Functions {
		names = append(names, f.Name)
		i, named := said[f.Name]
		m := d.method(f.Name)
		if named {
			m = v.Methods[i]
			delete(said, f.Name)
		}
		switch {
		case f.Async && named && given(i) && m.Mode == service.Sync:
			faults = append(faults, methodFault{i, fmt.Sprintf("is async in %s: set mode = \"async\" or \"both\", or leave it out", v.Interface)})
		case f.Async && (!named || !given(i)):
			m.Mode, m.JobTimeout = service.Async, d.JobTimeout
		case m.Mode == service.Sync:
			m.JobTimeout = service.Duration{}
		}
		m.Authentication = service.Authentication(f.Authentication)
		methods = append(methods, m)
	}
	for _, m := range v.Methods {
		i, left := said[m.Name]
		switch {
		case !left:
		case m.Name == statusMethod:
			m.Authentication = service.NoAuthentication
			methods = append(methods, m)
		default:
			faults = append(faults, methodFault{i, fmt.Sprintf("is no function of %s: %s", v.Interface, hint(m.Name, names))})
		}
	}
	if len(faults) == 0 {
		v.Methods, v.Typed = methods, true
	}
	return faults, nil, model.Warnings
}

// Interface is the model of a version's interface. A version without one, or with
// one that cannot be read, is [service.ErrNotFound], and the error says which.
func (c *Catalog) Interface(ctx context.Context, v service.Version) (*kidl.Model, error) {
	if !v.Typed {
		return nil, service.Errorf(service.ErrNotFound, "%s %s has no interface that could be read", v.Module, v.Version)
	}
	files, err := c.db.Files(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	kept := fstest.MapFS{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name, suffixKIDL) {
			continue
		}
		file, err := c.db.File(ctx, v.ID, f.Name)
		if err != nil {
			return nil, err
		}
		kept[f.Name] = &fstest.MapFile{Data: file.Content}
	}
	return kidl.Load(kept, v.Interface)
}

// OpenAPI is the OpenAPI 3.1 text of a version that is called at url.
func (c *Catalog) OpenAPI(ctx context.Context, v service.Version, url string) ([]byte, error) {
	model, err := c.Interface(ctx, v)
	if err != nil {
		return nil, err
	}
	module, ok := model.Module(v.Module)
	if !ok {
		return nil, service.Errorf(service.ErrNotFound, "%s defines no module %s", v.Interface, v.Module)
	}
	return json.Marshal(module.OpenAPI(kidl.OpenAPIOptions{Version: v.Version, Title: v.Module, Description: v.Description, Servers: []string{url}}))
}
