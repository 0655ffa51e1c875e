package backup

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Restore makes the data folder dir of a backup. The folder must be empty or not
// there; it is the backup, whole, or as it was.
func Restore(r io.Reader, dir string) (err error) {
	if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
		return service.Errorf(service.ErrConflict, "%s is not empty (it has %s): restore into a new folder", dir, left[0].Name())
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(parent, ".restore-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(scratch))
		}
	}()
	if err := unpack(r, scratch); err != nil {
		return err
	}
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(scratch, dir)
}

// unpack writes the files of a backup. The last check of a gzip is at its end, so
// a backup that broke off or was changed is an error.
func unpack(r io.Reader, dir string) error {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return service.Errorf(service.ErrInvalid, "this is no backup of dynsvc: %w", err)
	}
	in := tar.NewReader(zipped)
	for first := true; ; first = false {
		header, err := in.Next()
		if err == io.EOF && !first {
			break
		}
		if err != nil {
			return broken(err)
		}
		if first != (header.Name == Database) || !belongs(header) {
			return service.Errorf(service.ErrInvalid, "this is no backup of dynsvc: it holds %.100q", header.Name)
		}
		if err := write(in, header, filepath.Join(dir, filepath.FromSlash(header.Name))); err != nil {
			return broken(err)
		}
	}
	if _, err := io.Copy(io.Discard, zipped); err != nil {
		return broken(err)
	}
	return nil
}

func broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, tar.ErrHeader) {
		return service.Errorf(service.ErrInvalid, "the backup is broken or broke off: %w", err)
	}
	return err
}

// belongs reports an entry that [Write] may have made.
func belongs(h *tar.Header) bool {
	top, _, below := strings.Cut(h.Name, "/")
	return h.Typeflag == tar.TypeReg && filepath.IsLocal(h.Name) && (h.Name == Database || below && slices.Contains(Folders, top))
}

func write(in io.Reader, header *tar.Header, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, header.FileInfo().Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in) //nolint:gosec // a backup is as large as it is, and its admin's own
	return errors.Join(err, f.Sync(), f.Close())
}
