// Package backup copies all that an agent keeps in its data folder into one file,
// while the agent runs, and makes a data folder of such a file again.
//
// The file is a gzipped tar of the database, as it was at one moment, under
// [Database], and of the folders that what is in the database refers to. Those are
// copied after the database: their files are written before the database knows of
// them and never change, so none that it names is missing but for results of jobs
// that expired meanwhile.
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Database is the name of the database in a data folder and in a backup.
const Database = "dynsvc.db"

// Folders are those of a data folder that belong to its backup. The others are
// made again when they are needed.
var Folders = []string{"builds", "bundles", "jobs", "registrations"}

// partial reports a file that is being written, or is used to write one.
func partial(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, "upload-") || strings.HasPrefix(base, "clone-") || strings.HasPrefix(base, ".")
}

// database copies itself to a file.
type database interface {
	Backup(ctx context.Context, path string) error
}

// Write writes a backup of a data folder, whose database is db, to w. What it has
// written when it returns an error is no backup, and [Restore] refuses it.
func Write(ctx context.Context, db database, data string, w io.Writer) (err error) {
	scratch, err := os.MkdirTemp(data, ".backup-")
	if err != nil {
		return fmt.Errorf("back up %s: %w", data, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	copied := filepath.Join(scratch, Database)
	if err := db.Backup(ctx, copied); err != nil {
		return err
	}
	zipped := gzip.NewWriter(w)
	out := tar.NewWriter(zipped)
	if err := add(ctx, out, Database, copied); err != nil {
		return fmt.Errorf("back up the database: %w", err)
	}
	for _, folder := range Folders {
		if err := addFolder(ctx, out, data, folder); err != nil {
			return fmt.Errorf("back up %s: %w", filepath.Join(data, folder), err)
		}
	}
	return errors.Join(out.Close(), zipped.Close())
}

func addFolder(ctx context.Context, out *tar.Writer, data, folder string) error {
	root := os.DirFS(data)
	err := fs.WalkDir(root, folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // never used, or expired meanwhile
		case err != nil:
			return err
		case partial(name) && d.IsDir():
			return fs.SkipDir
		case partial(name) || !d.Type().IsRegular():
			return nil
		}
		err = add(ctx, out, name, filepath.Join(data, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return err
}

// add writes one file. A file that grows while it is read has what it had.
func add(ctx context.Context, out *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	header := tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime().Truncate(time.Second), Format: tar.FormatPAX}
	if err := out.WriteHeader(&header); err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(f, info.Size()))
	return err
}
