package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "dynsvc.db"), filepath.Join(t.TempDir(), "it's a backup.db")
	db := openAt(t, path)
	populate(t, db)
	check(t, os.WriteFile(copied, []byte("an older backup"), 0o600), nil)
	check(t, db.Backup(t.Context(), copied), nil)
	late := save(t, db, version("Late", "1.0.0", 99))

	entries, err := os.ReadDir(filepath.Dir(copied))
	check(t, err, nil)
	if len(entries) != 1 {
		t.Errorf("the backup's folder holds %v, want the backup alone", entries)
	}
	info, err := os.Stat(copied)
	check(t, err, nil)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want only the owner to read it", info.Mode())
	}

	// Restore, as the doc of Backup says, over a database whose program was
	// killed: its log is still there.
	restored := filepath.Join(t.TempDir(), "dynsvc.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		copyFile(t, path+end, restored+end)
		check(t, os.Remove(restored+end), nil)
	}
	copyFile(t, copied, restored)
	again := openAt(t, restored)
	verify(t, again)
	_, err = again.Version(t.Context(), late.ID)
	check(t, err, service.ErrNotFound)
	whole(t, again)
	save(t, again, version("Late", "1.0.0", 99), "release")
}

func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dynsvc.db")
	db := openAt(t, path)
	check(t, db.Backup(t.Context(), path), service.ErrInvalid, "name another file")
	check(t, db.Backup(t.Context(), filepath.Join(dir, "none", "x.db")), fs.ErrNotExist)
	check(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700), nil)
	if err := db.Backup(t.Context(), filepath.Join(dir, "folder")); err == nil {
		t.Error("a backup took the place of a folder")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	check(t, err, nil)
	equal(t, left, []string(nil))
	check(t, os.Remove(filepath.Join(dir, "folder")), nil)
}

// What a full or failing disk does has a kind of its own.
func TestUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dynsvc.db")
	db, err := store.Open(t.Context(), path, hclog.NewNullLogger())
	check(t, err, nil)
	writer, _ := db.Handles()
	_, err = writer.ExecContext(t.Context(), `PRAGMA max_page_count = 1`) // the least is what it has
	check(t, err, nil)
	for err = nil; err == nil; {
		err = db.AddAudit(t.Context(), store.Entry{Action: "scale", Detail: string(make([]byte, 4096))})
	}
	check(t, err, service.ErrUnavailable, "full")
	if errors.Is(err, service.ErrInvalid) {
		t.Error("a full disk is said to be the caller's fault")
	}
	check(t, db.Close(), nil)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	check(t, err, nil)
	check(t, os.WriteFile(to, b, 0o600), nil)
}
