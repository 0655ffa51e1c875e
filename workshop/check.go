package workshop

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/service"
)

// Checked is what a folder was found to be.
type Checked struct {
	Version service.Version
	Model   *kidl.Model // nil: no interface that can be read
	Notices []string    // what is no fault and still better known
}

// Check looks for everything that is wrong with a module's folder, without
// running anything. What the operator decides, such as the image of a module
// with kbase.yml, is taken for decided.
func Check(fsys fs.FS, productVersion string) (Checked, error) {
	d := catalog.StandardDefaults()
	d.KBaseImage = "module/{module_lower}:{version}"
	v, notices, err := catalog.ReadManifest(fsys, d)
	c := Checked{Version: v, Notices: notices}
	faults := []error{err}
	_, err = catalog.Digest(fsys)
	faults = append(faults, err)
	examples, err := ReadExamples(fsys)
	faults = append(faults, err)
	if faults[0] != nil {
		return c, errors.Join(faults...)
	}
	faults = append(faults, c.checkPrograms(fsys))
	if v.Typed {
		if c.Model, err = kidl.Load(fsys, v.Interface); err != nil {
			return c, errors.Join(append(faults, err)...) // ReadManifest has read it: cannot be
		}
		for _, e := range examples {
			faults = append(faults, c.checkExample(e))
		}
		c.checkGenerated(fsys, productVersion)
	}
	return c, errors.Join(faults...)
}

// checkPrograms looks for what the manifest wants run.
func (c *Checked) checkPrograms(fsys fs.FS) error {
	has := func(name string) bool {
		info, err := fs.Stat(fsys, name)
		return err == nil && info.Mode().IsRegular()
	}
	run := c.Version.Run
	var faults []error
	switch {
	case run.Image != "" && !has("Dockerfile") && c.Version.Manifest != "module.hcl":
		faults = append(faults, service.Errorf(service.ErrInvalid, "there is no Dockerfile: the image of a module with %s is built from one", c.Version.Manifest))
	case run.Image != "" && !has("Dockerfile"):
		c.Notices = append(c.Notices, "there is no Dockerfile: run.image is built somewhere else")
	case run.Command != "" && run.Artifact == "" && len(run.Build) == 0 && strings.Contains(run.Command, "/") && !path.IsAbs(run.Command) && !has(path.Clean(run.Command)):
		faults = append(faults, service.Errorf(service.ErrInvalid, "run.command names %s, which is not there: build it, or say how in run.build", run.Command))
	}
	return errors.Join(faults...)
}

// checkExample holds an example call against the interface.
func (c *Checked) checkExample(e Example) error {
	f, ok := c.Model.Function(c.Version.Module + "." + e.Method)
	switch {
	case !ok && (e.Method == "status" || e.Error != nil):
		return nil // answered by every module, or refused on purpose
	case !ok:
		return service.Errorf(service.ErrInvalid, "%s: %s is no function of %s", e.File, e.Method, c.Version.Interface)
	case e.Error != nil:
		return nil // it may be about what does not fit
	}
	fit := f.FitParams
	if bytes.HasPrefix(bytes.TrimSpace(e.Params), []byte("{")) {
		fit = f.FitNamedParams
	}
	if misfits := fit(e.Params, 1); len(misfits) > 0 {
		return service.Errorf(service.ErrInvalid, "%s: params do not fit: %s", e, misfits)
	}
	if e.Result == nil {
		return nil
	}
	if misfits := f.FitResult(e.Result, 1); len(misfits) > 0 {
		return service.Errorf(service.ErrInvalid, "%s: result does not fit: %s", e, misfits)
	}
	return nil
}

// checkGenerated notices generated files that are not what the interface gives
// now, and functions that the author has not written.
func (c *Checked) checkGenerated(fsys fs.FS, productVersion string) {
	lang, err := LanguageOf(fsys)
	if err != nil {
		return // nothing was generated
	}
	o := gen.Options{Language: lang, Kind: gen.Server, Module: c.Version.Module, ProductVersion: productVersion}
	files, err := gen.Generate(c.Model, o)
	if err != nil {
		c.Notices = append(c.Notices, err.Error())
		return
	}
	for _, f := range files {
		if f.Keep {
			continue
		}
		text, err := fs.ReadFile(fsys, f.Path)
		if err != nil || !bytes.Equal(text, f.Content) {
			c.Notices = append(c.Notices, fmt.Sprintf("%s is not what %s gives: run dynsvc generate", f.Path, c.Version.Interface))
		}
	}
	missing, err := gen.Missing(c.Model, o, fsys)
	if err != nil {
		c.Notices = append(c.Notices, err.Error())
	}
	for _, s := range missing {
		c.Notices = append(c.Notices, fmt.Sprintf("the function %s is not written: no file has %s", s.Function, s.Method))
	}
}
