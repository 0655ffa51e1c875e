package catalog

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dynsvc/dynsvc/service"
)

// Pack makes a tar.gz of a module's folder, ready for upload. What .dynsvcignore
// names is left out. The same files give the same bytes.
func Pack(dir string) (*bytes.Reader, error) {
	limits := StandardLimits()
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, service.Errorf(service.ErrInvalid, "%s is not a module's folder: %w", dir, cmp.Or(err, errors.New("it is a file")))
	}
	t, err := readTree(os.DirFS(dir), limits)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	if err := t.pack(&packed); err != nil {
		return nil, err
	}
	if int64(packed.Len()) > limits.Packed {
		return nil, limits.tooLargePacked()
	}
	return bytes.NewReader(packed.Bytes()), nil
}

// Digest names the content of a module's folder, as registration does.
func Digest(fsys fs.FS) (string, error) {
	t, err := readTree(fsys, StandardLimits())
	if err != nil {
		return "", err
	}
	return t.digest()
}

func (t *tree) pack(w io.Writer) error {
	zip := gzip.NewWriter(w)
	archive := tar.NewWriter(zip)
	for _, f := range t.files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o644}
		if f.exec {
			header.Mode = 0o755
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
		if err := t.copy(archive, f); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zip.Close())
}
