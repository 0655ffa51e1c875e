package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/journal"
)

func TestOutdatedJournals(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	ages := map[string]time.Duration{
		"a-1.log": 100 * day, "a-2.log": 3 * day, "a-3.log": 2 * day, "a-4.log": day, "a-5.log": 0,
		"b-1.log": 40 * day, "b-2.log": 5 * day,
		"c-1.log": 400 * day, // the only one of its module
		"d-1.log": 300 * day, "d-2.log": 200 * day,
		"notes": 900 * day, // none
	}
	dir := t.TempDir()
	for name, age := range ages {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	module := func(name string) string { of, _, _ := strings.Cut(name, "-"); return of }
	got, err := journal.Outdated(dir, now, journal.Retention{Age: 30 * day, Each: 3}, module)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d-1.log", "a-1.log", "b-1.log", "a-2.log"}, got); diff != "" {
		t.Errorf("outdated (-want +got):\n%s", diff)
	}
	removed, err := journal.Remove(dir, append(got, "gone.log"), func(name string) bool { return name == "b-1.log" })
	if err != nil || removed != 4 {
		t.Errorf("removed %d, %v", removed, err)
	}
	for name := range ages {
		_, err := os.Stat(filepath.Join(dir, name))
		if gone, want := os.IsNotExist(err), name == "d-1.log" || name == "a-1.log" || name == "a-2.log"; gone != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
