package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/dynsvc/dynsvc/service"
)

const (
	manifestHCL = "module.hcl"

	maxManifest  = 64 << 10
	maxInterface = 1 << 20
)

// ReadManifest reads the manifest at the root of a module's files: module.hcl
// or, where there is none, kbase.yaml or kbase.yml. The version it returns has
// the defaults filled in and is valid; id, digest and commit are not set.
//
// The error holds every fault of the manifest, in the order of their places,
// each a [Fault] that prints as file:line:col: message.
func ReadManifest(fsys fs.FS, d Defaults) (service.Version, []Notice, error) {
	var found []string
	for _, name := range append([]string{manifestHCL}, service.ManifestsKBase...) {
		if info, err := fs.Stat(fsys, name); err == nil && info.Mode().IsRegular() {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return service.Version{}, nil, service.Errorf(service.ErrInvalid,
			"no manifest: a module has the file module.hcl (or KBase's kbase.yml) in its top folder")
	}
	var notices []Notice
	for _, other := range found[1:] {
		notices = append(notices, position(other, 0, 0)+"not read, because there is also "+found[0])
	}
	src, err := readText(fsys, found[0], maxManifest)
	if err != nil {
		return service.Version{}, notices, err
	}
	read := readKBase
	if found[0] == manifestHCL {
		read = readHCL
	}
	v, more, err := read(fsys, found[0], src, d)
	return v, append(notices, more...), err
}

// readText reads a file of at most limit bytes.
func readText(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, &Fault{File: name, Text: fmt.Sprintf("is larger than %d KiB", limit>>10)}
	}
	return text, nil
}

// missing says what is wrong with a named file, or "".
func missing(fsys fs.FS, name string, folder bool) string {
	if !fs.ValidPath(name) {
		return "" // said elsewhere
	}
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil && folder:
		return fmt.Sprintf("names the folder %q, which is not in the module: add it or leave the line out", name)
	case err != nil:
		return fmt.Sprintf("names the file %q, which is not in the module: add it or leave the line out", name)
	case folder && !info.IsDir():
		return fmt.Sprintf("names %q, which is not a folder", name)
	case folder:
		return ""
	case !info.Mode().IsRegular():
		return fmt.Sprintf("names %q, which is not a file", name)
	case info.Size() > maxInterface:
		return fmt.Sprintf("names %q, which is larger than %d KiB", name, maxInterface>>10)
	}
	return ""
}

// remarks are what a valid version had better say otherwise, by field.
func remarks(v *service.Version) [][2]string {
	var all [][2]string
	if moving(v.Run.Image) {
		all = append(all, [2]string{"run.image", "has no fixed tag: what runs can change under a registered version, better name one or a digest"})
	}
	if v.Run.Artifact != "" && v.Run.Checksum == "" {
		all = append(all, [2]string{"run.artifact", "has no checksum: what runs can change under a registered version"})
	}
	return all
}
