package workshop_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/workshop"
)

func TestAWatcherTellsWhatChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", "1")
	write(t, dir, "sub/b.txt", "1")
	write(t, dir, "node_modules/x.js", "1")
	write(t, dir, ".hidden/y", "1")
	w, err := workshop.NewWatcher(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := func(names ...string) {
		t.Helper()
		got, err := w.Changed()
		if diff := cmp.Diff(names, got); diff != "" || err != nil {
			t.Errorf("changed (-want +got), %v:\n%s", err, diff)
		}
	}
	if diff := cmp.Diff([]string{"a.txt", "sub/b.txt"}, w.Watched()); diff != "" {
		t.Errorf("watched (-want +got):\n%s", diff)
	}
	want()
	write(t, dir, "a.txt", "12")
	write(t, dir, "sub/c.txt", "")
	write(t, dir, "node_modules/x.js", "12")
	write(t, dir, ".hidden/y", "12")
	want("a.txt", "sub/c.txt")
	if err := os.Remove(filepath.Join(dir, "sub/b.txt")); err != nil {
		t.Fatal(err)
	}
	want("sub/b.txt")
	want()
}

// TestWhatABuildWritesIsNoEdit tells the author's edits during a build from what
// the build writes.
func TestWhatABuildWritesIsNoEdit(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.go", "1")
	w, err := workshop.NewWatcher(dir)
	if err != nil {
		t.Fatal(err)
	}
	built := func(want bool) {
		t.Helper()
		if again, err := w.Built(); again != want || err != nil {
			t.Errorf("again = %v (%v), want %v", again, err, want)
		}
	}
	write(t, dir, "bin/server", "1")
	built(true) // it could be an edit, as far as one can know
	write(t, dir, "bin/server", "12")
	built(false)
	write(t, dir, "bin/server", "123")
	write(t, dir, "main.go", "12")
	built(true)
	built(false)
	if changed, err := w.Changed(); len(changed) > 0 || err != nil {
		t.Errorf("changed %q (%v), want nothing", changed, err)
	}
}
