package workshop

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Watcher notices edits of a module's folder. It looks at the times and sizes of
// files, which works on every file system and costs a few milliseconds for some
// thousand files. Folders of dependencies and hidden ones are not looked at.
type Watcher struct {
	dir     string
	seen    map[string]stamp
	outputs map[string]bool // files that builds write
}

type stamp struct {
	size  int64
	mtime time.Time
}

var unwatched = map[string]bool{"node_modules": true, "__pycache__": true, "vendor": true, "venv": true}

// NewWatcher looks at the folder as it is now.
func NewWatcher(dir string) (*Watcher, error) {
	w := &Watcher{dir: dir, outputs: map[string]bool{}}
	var err error
	w.seen, err = w.look()
	return w, err
}

func (w *Watcher) look() (map[string]stamp, error) {
	now := map[string]stamp{}
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case d.IsDir() && name != "." && (unwatched[d.Name()] || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(name, ".pyc"):
			return nil
		}
		if info, err := d.Info(); err == nil {
			now[name] = stamp{info.Size(), info.ModTime()}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", w.dir, err)
	}
	return now, nil
}

// Changed returns the files that differ from the last look, sorted.
func (w *Watcher) Changed() ([]string, error) {
	now, err := w.look()
	if err != nil {
		return nil, err
	}
	var changed []string
	for name, s := range now {
		if w.seen[name] != s {
			changed = append(changed, name)
		}
	}
	for name := range w.seen {
		if _, there := now[name]; !there {
			changed = append(changed, name)
		}
	}
	w.seen = now
	slices.Sort(changed)
	return changed, nil
}

// Built is called after a build and reports whether the author edited a file
// while it ran, so that it has to run again. What a build writes is learnt from
// the first one, and is no edit.
func (w *Watcher) Built() (again bool, err error) {
	changed, err := w.Changed()
	for _, name := range changed {
		again = again || !w.outputs[name]
		w.outputs[name] = true
	}
	return again, err
}

// Watched lists what is looked at, sorted.
func (w *Watcher) Watched() []string { return slices.Sorted(maps.Keys(w.seen)) }
