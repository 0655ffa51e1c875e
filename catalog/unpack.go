package catalog

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// unpacker writes an archive's entries under a folder and nowhere else.
type unpacker struct {
	root    *os.Root
	limits  Limits
	size    int64
	files   int
	folders map[string]bool
	links   map[string]fs.FileMode // entries that are neither file nor folder
}

// unpack unpacks a tar.gz, tar or zip, told apart by their first bytes, into an
// empty folder. Links and devices are not made but returned by name.
func unpack(ctx context.Context, archive *os.File, size int64, dir string, limits Limits) (links map[string]fs.FileMode, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder to unpack to: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := &unpacker{root: root, limits: limits, folders: map[string]bool{}, links: map[string]fs.FileMode{}}
	head := make([]byte, 512)
	n, err := archive.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	head = head[:n]
	whole := io.NewSectionReader(archive, 0, size)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unzipped, err := gzip.NewReader(whole)
		if err != nil {
			return nil, damaged(err)
		}
		return u.links, u.tar(ctx, unzipped)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return u.links, u.zip(ctx, whole, size)
	case len(head) == 512 && string(head[257:262]) == "ustar":
		return u.links, u.tar(ctx, whole)
	}
	return nil, service.Errorf(service.ErrInvalid, "the upload is neither a tar.gz nor a tar nor a zip")
}

// damaged is an error of an archive's reader. Those of the disk and of our own
// limits keep their kind.
func damaged(err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) || errors.Is(err, service.ErrInvalid) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return service.Errorf(service.ErrInvalid, "the archive cannot be read: %w", err)
}

func (u *unpacker) tar(ctx context.Context, r io.Reader) error {
	archive := tar.NewReader(&meter{from: r, left: u.limits.Unpacked, over: u.limits.tooLarge()})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		mode := header.FileInfo().Mode()
		switch header.Typeflag {
		case tar.TypeXGlobalHeader, tar.TypeDir:
			continue
		case tar.TypeReg, tar.TypeGNUSparse:
			mode = mode.Perm()
		case tar.TypeLink, tar.TypeSymlink:
			mode = fs.ModeSymlink
		default:
			mode = fs.ModeDevice
		}
		if err := u.add(ctx, header.Name, mode, archive); err != nil {
			return damaged(err)
		}
	}
}

func (u *unpacker) zip(ctx context.Context, r *io.SectionReader, size int64) error {
	if err := u.countZip(r); err != nil {
		return err
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return damaged(err)
	}
	for _, entry := range archive.File {
		mode := entry.Mode()
		if mode.IsDir() {
			continue
		}
		if err := u.addZip(ctx, entry, mode); err != nil {
			return damaged(err)
		}
	}
	return nil
}

func (u *unpacker) addZip(ctx context.Context, entry *zip.File, mode fs.FileMode) error {
	r, err := entry.Open()
	if err != nil {
		return err
	}
	return errors.Join(u.add(ctx, entry.Name, mode, r), r.Close())
}

// countZip bounds the entries before they are read: the reader holds them all in
// memory at once.
func (u *unpacker) countZip(r *io.SectionReader) error {
	const block = 1 << 20
	sign := []byte("PK\x01\x02")
	buf := make([]byte, block+len(sign)-1)
	entries := 0
	for at := int64(0); at < r.Size(); at += block {
		n, err := r.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		// Files that are archives themselves have such signs too: be generous.
		if entries += bytes.Count(buf[:n], sign); entries > 8*u.limits.Files {
			return u.limits.tooManyFiles()
		}
	}
	return nil
}

// add writes one entry.
func (u *unpacker) add(ctx context.Context, name string, mode fs.FileMode, content io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	if (ignore{}).match(name, false) {
		return nil
	}
	if u.files++; u.files > u.limits.Files {
		return u.limits.tooManyFiles()
	}
	if !mode.IsRegular() {
		u.links[name] = mode.Type()
		return nil
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o100 != 0 {
		perm = 0o755
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return u.clash(name, err)
	}
	n, err := io.Copy(f, &meter{from: content, left: u.limits.Unpacked - u.size, over: u.limits.tooLarge()})
	u.size += n
	return errors.Join(err, f.Close())
}

func (u *unpacker) folder(dir string) error {
	if dir == "." || u.folders[dir] {
		return nil
	}
	if err := u.folder(path.Dir(dir)); err != nil {
		return err
	}
	if len(u.folders) == u.limits.Files {
		return u.limits.tooManyFiles()
	}
	u.folders[dir] = true
	return u.clash(dir, u.root.Mkdir(dir, 0o755))
}

// clash makes a fault of the archive out of a name that is taken.
func (u *unpacker) clash(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return service.Errorf(service.ErrInvalid, "the archive has the entry %q twice", name)
	}
	return err
}

// top finds the folder that holds everything, as most archives have one.
func top(dir string, links map[string]fs.FileMode) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read what was unpacked: %w", err)
	}
	if len(entries) != 1 || !entries[0].IsDir() {
		return ".", nil
	}
	name := entries[0].Name()
	for link := range links {
		if !strings.HasPrefix(link, name+"/") {
			return ".", nil
		}
	}
	return name, nil
}

// refuseLinks reports the links among the entries that are not ignored.
func refuseLinks(fsys fs.FS, folder string, links map[string]fs.FileMode) error {
	ig, err := readIgnore(fsys)
	if err != nil {
		return err
	}
	var faults []error
	for name, mode := range links {
		inner := strings.TrimPrefix(name, folder+"/")
		if !ig.match(inner, false) {
			faults = append(faults, notFile(inner, mode))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults[:min(len(faults), 20)]...)
}
