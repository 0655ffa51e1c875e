package journal

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Suffix is how the file of a journal ends.
const Suffix = ".log"

// Retention says which journals are kept. The newest of each module always is: it
// tells how what runs now came about.
type Retention struct {
	Age  time.Duration // since a journal was last written
	Each int           // of one module
}

// Outdated are the names of the journals in a folder that are not to be kept, oldest
// first. module tells what a journal of a name is about.
func Outdated(dir string, now time.Time, keep Retention, module func(name string) string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for old logs: %w", err)
	}
	type written struct {
		name string
		at   time.Time
	}
	var newestFirst []written
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), Suffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it was removed meanwhile
		}
		newestFirst = append(newestFirst, written{e.Name(), info.ModTime()})
	}
	slices.SortFunc(newestFirst, func(a, b written) int {
		return cmp.Or(b.at.Compare(a.at), strings.Compare(b.name, a.name))
	})
	kept := map[string]int{} // by module
	var outdated []string
	for _, w := range newestFirst {
		of := module(w.name)
		if n := kept[of]; n > 0 && (n >= keep.Each || now.Sub(w.at) > keep.Age) {
			outdated = append(outdated, w.name)
			continue
		}
		kept[of]++
	}
	slices.Reverse(outdated)
	return outdated, nil
}

// Remove removes journals of a folder, and returns how many they were. One that
// busy tells of stays.
func Remove(dir string, names []string, busy func(name string) bool) (removed int, err error) {
	for _, name := range names {
		if busy(name) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return removed, fmt.Errorf("remove an old log: %w", err)
		}
		removed++
	}
	return removed, nil
}
