package catalog_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const manifest = "module \"Hello\" {\n  version = \"1.0.0\"\n  run {\n    command = \"bin/hello\"\n  }\n}\n"

// hello is a small module.
func hello() fstest.MapFS {
	return fstest.MapFS{
		"module.hcl":          {Data: []byte(manifest), Mode: 0o644},
		"bin/hello":           {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"README.md":           {Data: []byte("# Hello\n"), Mode: 0o644},
		"docs/more.md":        {Data: []byte("More.\n"), Mode: 0o644},
		"src/lib/data.bin":    {Data: []byte{0, 1, 2}, Mode: 0o600},
		".dynsvcignore":       {Data: []byte("# leave out\n*.log\n/tmp/\n"), Mode: 0o644},
		"run.log":             {Data: []byte("ignored")},
		"tmp/x":               {Data: []byte("ignored")},
		".git/HEAD":           {Data: []byte("ignored")},
		"src/__pycache__/a.c": {Data: []byte("ignored")},
	}
}

// edited is hello with some files replaced, or removed where nil.
func edited(files map[string]*fstest.MapFile) fstest.MapFS {
	all := hello()
	maps.Copy(all, files)
	maps.DeleteFunc(all, func(_ string, f *fstest.MapFile) bool { return f == nil })
	return all
}

// entry is one entry of an archive in the making.
type entry struct {
	name string
	kind byte // of a tar
	mode int64
	data string
	link string
}

// entries are those of a folder, in reverse order, under a prefix.
func entries(files fstest.MapFS, prefix string) []entry {
	var all []entry
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		all = append(all, entry{name: prefix + name, kind: tar.TypeReg, mode: int64(files[name].Mode.Perm()), data: string(files[name].Data)})
	}
	return all
}

func tarOf(t *testing.T, all []entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range all {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.data)), Linkname: e.link, Uid: 1000, Uname: "ada"}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zipOf(t *testing.T, all []entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range all {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		mode := fs.FileMode(e.mode)
		if e.kind == tar.TypeSymlink {
			mode |= fs.ModeSymlink
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.data+e.link); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func repeated(n int) string { return strings.Repeat("\x00", n) }
