package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// file is one file of a module.
type file struct {
	name string
	exec bool
	size int64
}

// tree is a module's files, sorted by name. Folders are in it only by the files
// in them.
type tree struct {
	fsys  fs.FS
	files []file
}

// readTree lists a module's files without what is ignored. Everything that is
// neither a file nor a folder is a fault, and all faults are reported.
func readTree(fsys fs.FS, limits Limits) (*tree, error) {
	ig, err := readIgnore(fsys)
	if err != nil {
		return nil, err
	}
	t := &tree{fsys: fsys}
	var links []error
	var size int64
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case ig.match(name, entry.IsDir()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			links = append(links, notFile(name, entry.Type()))
			return nil
		}
		if _, err := cleanName(name); err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if size += info.Size(); size > limits.Unpacked {
			return limits.tooLarge()
		}
		if len(t.files) == limits.Files {
			return limits.tooManyFiles()
		}
		t.files = append(t.files, file{name: name, exec: info.Mode()&0o100 != 0, size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the module's folder: %w", err)
	}
	if len(links) > 0 {
		return nil, errors.Join(links[:min(len(links), 20)]...)
	}
	slices.SortFunc(t.files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return t, nil
}

func notFile(name string, mode fs.FileMode) error {
	what := "a special file"
	if mode&fs.ModeSymlink != 0 {
		what = "a link"
	}
	return service.Errorf(service.ErrInvalid, "%s is %s, and a module has only files and folders: "+
		"put the file itself there or name it in %s", name, what, ignoreFile)
}

// digest names the content: it is the SHA-256 of one line for each file, with
// the file's own SHA-256, "x" if it may be executed else "-", and its path.
// Times, owners and the order and kind of an archive have no part in it.
func (t *tree) digest() (string, error) {
	all := sha256.New()
	for _, f := range t.files {
		sum := sha256.New()
		if err := t.copy(sum, f); err != nil {
			return "", err
		}
		mode := "-"
		if f.exec {
			mode = "x"
		}
		// A path has no control characters, so lines cannot be forged.
		fmt.Fprintf(all, "%x %s %s\n", sum.Sum(nil), mode, f.name)
	}
	return "sha256:" + hex.EncodeToString(all.Sum(nil)), nil
}

// copy writes out one file, which must still have the size it was listed with.
func (t *tree) copy(w io.Writer, f file) error {
	in, err := t.fsys.Open(f.name)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.name, err)
	}
	n, err := io.Copy(w, io.LimitReader(in, f.size+1))
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	if n != f.size {
		return service.Errorf(service.ErrConflict, "the file %s changed while it was read: try again", f.name)
	}
	return nil
}
