package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/backup"
	"github.com/dynsvc/dynsvc/service"
)

// snapshot is a database that copies itself.
type snapshot string

func (s snapshot) Backup(_ context.Context, path string) error {
	if s == "" {
		return errors.New("the disk is full")
	}
	return os.WriteFile(path, []byte(s), 0o600)
}

// folder has files in a data folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	data := folder(t, map[string]string{
		"dynsvc.db": "being written", "dynsvc.db-wal": "x", "lock": "",
		"bundles/aa.tar.gz": "files", "bundles/upload-1/files/a": "half", "jobs/key": "secret", "jobs/results/7.1.json": strings.Repeat("r", 1<<20),
		"builds/x.log": "Step 1", "registrations/1.log": "cloned", "registrations/clone-1/HEAD": "half", "modules/dyn-a/main.py": "unpacked again",
	})
	var file bytes.Buffer
	if err := backup.Write(t.Context(), snapshot("as it was"), data, &file); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "new", "data")
	if err := backup.Restore(bytes.NewReader(file.Bytes()), restored); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"dynsvc.db": "as it was", "bundles/aa.tar.gz": "files", "jobs/key": "secret", "jobs/results/7.1.json": strings.Repeat("r", 1<<20), "registrations/1.log": "cloned", "builds/x.log": "Step 1",
	}
	if diff := cmp.Diff(want, contents(t, restored)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(restored, "jobs/key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info.Mode(), err)
	}
	if _, kept := contents(t, data)[".backup"]; kept || len(contents(t, data)) != 11 {
		t.Errorf("the data folder has %v", contents(t, data))
	}
	// Never over what is there.
	if err := backup.Restore(bytes.NewReader(file.Bytes()), restored); !errors.Is(err, service.ErrConflict) {
		t.Errorf("restored over a data folder: %v", err)
	}
}

func TestWhatIsNoBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	if err := backup.Write(t.Context(), snapshot(strings.Repeat("as it was", 1000)), folder(t, map[string]string{"bundles/a": "files"}), &whole); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole.Bytes())
	flipped[len(flipped)-6] ^= 1
	for name, text := range map[string][]byte{
		"nothing": nil, "no gzip": []byte("SQLite format 3"), "broken off": whole.Bytes()[:whole.Len()-20], "flipped": flipped,
		"outside":              archive(t, "dynsvc.db", "bundles/../../evil"),
		"another file first":   archive(t, "bundles/a", "dynsvc.db"),
		"what does not belong": archive(t, "dynsvc.db", "modules/x/main.py"),
		"twice":                archive(t, "dynsvc.db", "bundles/a", "bundles/a"),
		"empty":                archive(t),
	} {
		parent := t.TempDir()
		if err := backup.Restore(bytes.NewReader(text), filepath.Join(parent, "data")); err == nil {
			t.Errorf("%s: restored", name)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	data := folder(t, map[string]string{"bundles/a": "files"})
	if err := backup.Write(t.Context(), snapshot(""), data, io.Discard); err == nil {
		t.Error("backed up without a database")
	}
	if diff := cmp.Diff(map[string]string{"bundles/a": "files"}, contents(t, data)); diff != "" {
		t.Error(diff)
	}
}

func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var file bytes.Buffer
	zipped := gzip.NewWriter(&file)
	out := tar.NewWriter(zipped)
	for _, name := range names {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
