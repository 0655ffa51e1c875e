package catalog_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/catalog"
)

// packed lists what Pack takes of a folder.
func packed(t *testing.T, files fstest.MapFS) []string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, file.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return packedDir(t, dir)
}

func packedDir(t *testing.T, dir string) []string {
	t.Helper()
	r, err := catalog.Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unzipped)
	names := []string{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestIgnore(t *testing.T) {
	names := []string{"a.log", "keep.log", "sub/a.log", "build/out", "sub/build/out", "deep/er/x.tmp", "deep/y.tmp", "z.tmp", "doc", "sub/doc/x", "q1", "q22"}
	for _, tt := range []struct {
		rules string
		want  []string // what is left out
	}{
		{"", nil},
		{"# nothing\n\n", nil},
		{"*.log", []string{"a.log", "keep.log", "sub/a.log"}},
		{"*.log\n!keep.log", []string{"a.log", "sub/a.log"}},
		{"/*.log", []string{"a.log", "keep.log"}},
		{"build/", []string{"build/out", "sub/build/out"}},
		{"/build", []string{"build/out"}},
		{"build\n!build/out", []string{"build/out", "sub/build/out"}},
		{"doc/", []string{"sub/doc/x"}},
		{"deep/**/*.tmp", []string{"deep/er/x.tmp", "deep/y.tmp"}},
		{"deep/*.tmp", []string{"deep/y.tmp"}},
		{"**/er", []string{"deep/er/x.tmp"}},
		{"q?", []string{"q1"}},
		{"q[0-9]*", []string{"q1", "q22"}},
		{"*\n!doc\n", []string{"a.log", "keep.log", "sub/a.log", "build/out", "sub/build/out", "deep/er/x.tmp", "deep/y.tmp", "z.tmp", "sub/doc/x", "q1", "q22"}},
	} {
		files := fstest.MapFS{".dynsvcignore": {Data: []byte(tt.rules)}}
		for _, name := range names {
			files[name] = &fstest.MapFile{}
		}
		got := packed(t, files)
		var left []string
		for _, name := range names {
			if !slices.Contains(got, name) {
				left = append(left, name)
			}
		}
		if diff := cmp.Diff(tt.want, left); diff != "" {
			t.Errorf("rules %q leave out (-want +got):\n%s", tt.rules, diff)
		}
	}
	if _, err := catalog.Digest(fstest.MapFS{".dynsvcignore": {Data: []byte("ok\na[")}}); err == nil || err.Error() == "" {
		t.Errorf("a bad pattern: error %v", err)
	}
}

func TestPackIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/manifests/full")); err != nil {
		t.Fatal(err)
	}
	read := func(dir string) string {
		r, err := catalog.Pack(dir)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if read(dir) != read("testdata/manifests/full") {
		t.Error("two copies of a folder were packed differently")
	}
	if _, err := catalog.Pack(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want ErrNotExist", err)
	}
}
