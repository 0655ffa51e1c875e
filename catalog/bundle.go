package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// stagingPrefix begins the names of folders in which uploads are unpacked.
const stagingPrefix = "upload-"

// staged is an upload that nobody can change any more, in a folder of our own.
type staged struct {
	*tree
	dir string
}

// stage copies what was uploaded. done removes the copy.
func (c *Catalog) stage(ctx context.Context, u Upload) (s *staged, done func(), err error) {
	if (u.Archive == nil) == (u.Files == nil) {
		return nil, nil, service.Errorf(service.ErrInvalid, "an upload is an archive or a folder")
	}
	if err := os.MkdirAll(c.bundles, 0o750); err != nil {
		return nil, nil, fmt.Errorf("make the folder for bundles: %w", err)
	}
	dir, err := os.MkdirTemp(c.bundles, stagingPrefix)
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the upload: %w", err)
	}
	done = func() {
		if err := os.RemoveAll(dir); err != nil {
			c.log.Warn("left an upload's folder behind", "error", err)
		}
	}
	s = &staged{dir: dir}
	files := filepath.Join(dir, "files")
	if err = os.Mkdir(files, 0o750); err == nil {
		if u.Archive != nil {
			s.tree, err = c.stageArchive(ctx, u.Archive, dir, files)
		} else {
			s.tree, err = c.stageFiles(ctx, u.Files, files)
		}
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return s, done, nil
}

func (c *Catalog) stageArchive(ctx context.Context, r io.Reader, dir, files string) (t *tree, err error) {
	spool, err := os.Create(filepath.Join(dir, "archive"))
	if err != nil {
		return nil, fmt.Errorf("spool the upload: %w", err)
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	size, err := io.Copy(spool, &meter{from: r, left: c.opts.Limits.Packed, over: c.opts.Limits.tooLargePacked()})
	if err != nil {
		return nil, fmt.Errorf("receive the upload: %w", err)
	}
	links, err := unpack(ctx, spool, size, files, c.opts.Limits)
	if err != nil {
		return nil, err
	}
	folder, err := top(files, links)
	if err != nil {
		return nil, err
	}
	fsys := os.DirFS(filepath.Join(files, folder))
	if err := refuseLinks(fsys, folder, links); err != nil {
		return nil, err
	}
	return readTree(fsys, c.opts.Limits)
}

func (c *Catalog) stageFiles(ctx context.Context, from fs.FS, to string) (*tree, error) {
	source, err := readTree(from, c.opts.Limits)
	if err != nil {
		return nil, err
	}
	for _, f := range source.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := source.writeFile(f, to); err != nil {
			return nil, err
		}
	}
	return readTree(os.DirFS(to), c.opts.Limits)
}

// writeFile copies a file to a folder. Names in a tree are clean.
func (t *tree) writeFile(f file, dir string) error {
	name := filepath.Join(dir, filepath.FromSlash(f.name))
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if f.exec {
		perm = 0o755
	}
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	return errors.Join(t.copy(out, f), out.Close())
}

// Bundle is the file of an archive by its checksum, which is the Bundle of the
// versions it is of, or of one that an image is being built for.
func (c *Catalog) Bundle(checksum string) string {
	if path, ok := c.lent.find(checksum); ok {
		return path
	}
	return c.kept(checksum)
}

// kept is where the archive of a version is.
func (c *Catalog) kept(checksum string) string {
	return filepath.Join(c.bundles, strings.TrimPrefix(checksum, "sha256:")+".tar.gz")
}

// bundle writes the archive that is to be kept and returns its checksum.
func (s *staged) bundle() (checksum string, err error) {
	f, err := os.Create(s.packed())
	if err != nil {
		return "", fmt.Errorf("write the bundle: %w", err)
	}
	sum := sha256.New()
	if err := errors.Join(s.pack(io.MultiWriter(f, sum)), f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write the bundle: %w", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

func (s *staged) packed() string { return filepath.Join(s.dir, "bundle.tar.gz") }

// keep puts a bundle in its place, durably. One that is there has the same bytes.
func (c *Catalog) keep(s *staged, checksum string) error {
	if err := os.Rename(s.packed(), c.kept(checksum)); err != nil {
		return fmt.Errorf("keep the bundle: %w", err)
	}
	return syncFolder(c.bundles)
}

// syncFolder makes a rename durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Unpack writes a bundle's files to a new folder. If the folder is there
// already, it is taken to hold them: name it after the version.
func Unpack(ctx context.Context, bundle, dir string) (err error) {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	f, err := os.Open(bundle)
	if err != nil {
		return fmt.Errorf("open bundle: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open bundle: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return fmt.Errorf("unpack bundle: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".unpack-")
	if err != nil {
		return fmt.Errorf("unpack bundle: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	limits := StandardLimits()
	// A bundle was within the operator's limits when it was written.
	limits.Unpacked, limits.Files = 1<<40, 1<<30
	if _, err := unpack(ctx, f, info.Size(), temp, limits); err != nil {
		return fmt.Errorf("unpack bundle: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		if there, serr := os.Stat(dir); serr == nil && there.IsDir() {
			return nil // another call was faster
		}
		return fmt.Errorf("unpack bundle: %w", err)
	}
	return nil
}
