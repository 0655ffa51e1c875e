package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dynsvc/dynsvc/service"
)

// MaxFile is how long a stored file may be, in bytes.
const MaxFile = 1 << 20

// File is a text that belongs to a version: its manifest, interface or docs.
type File struct {
	Name    string `json:"name"` // as in the uploaded folder, with /
	Size    int    `json:"size"` // bytes; read only
	Content []byte `json:"-"`    // left out by Files
}

// File returns one file of a version.
func (db *DB) File(ctx context.Context, id service.ID, name string) (f File, err error) {
	err = db.read(ctx, "read file of "+string(id), func(tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		const query = `SELECT name, length(content), content FROM files WHERE version = ? AND name = ?`
		err = tx.QueryRowContext(ctx, query, seq, name).Scan(&f.Name, &f.Size, &f.Content)
		if errors.Is(err, sql.ErrNoRows) {
			return service.Errorf(service.ErrNotFound, "%s has no file %s", id, name)
		}
		return err
	})
	return f, err
}

// Files lists the files of a version by name, without what is in them.
func (db *DB) Files(ctx context.Context, id service.ID) (files []File, err error) {
	err = db.read(ctx, "read files of "+string(id), func(tx *sql.Tx) error {
		seq, err := db.seq(ctx, tx, id)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT name, length(content) FROM files WHERE version = ? ORDER BY name`, seq)
		files, err = collect(rows, err, func(rows *sql.Rows) (f File, err error) {
			return f, rows.Scan(&f.Name, &f.Size)
		})
		return err
	})
	return files, err
}

func checkFiles(files []File) error {
	var faults []error
	seen := map[string]bool{}
	for _, f := range files {
		switch {
		case f.Name == "":
			faults = append(faults, service.Errorf(service.ErrInvalid, "a file has no name"))
		case seen[f.Name]:
			faults = append(faults, service.Errorf(service.ErrInvalid, "the file %s is given twice", f.Name))
		case len(f.Content) > MaxFile:
			faults = append(faults, service.Errorf(service.ErrInvalid,
				"the file %s has %d bytes and may have %d", f.Name, len(f.Content), MaxFile))
		}
		seen[f.Name] = true
	}
	return errors.Join(faults...)
}

func insertFiles(ctx context.Context, tx *sql.Tx, seq int64, files []File) error {
	for _, f := range files {
		content := f.Content
		if content == nil {
			content = []byte{} // nil would be NULL
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO files (version, name, content) VALUES (?, ?, ?)`, seq, f.Name, content)
		if err != nil {
			return err
		}
	}
	return nil
}
