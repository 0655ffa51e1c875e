package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func module(t testing.TB, db *store.DB, name string) service.Module {
	t.Helper()
	m, err := db.Module(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModule(t *testing.T) {
	db := open(t)
	older := save(t, db, version("Beta", "1.0.0", 1), "release")
	newer := version("Beta", "1.1.0", 2)
	newer.Owners = []string{"linus"}
	// A clock that was set back does not change what is newest.
	newer.RegisteredAt = epoch.Add(-1)
	newer = save(t, db, newer, "dev")
	save(t, db, version("Alpha", "0.1.0", 3))

	equal(t, module(t, db, "BETA"), service.Module{
		Name: "Beta", Owners: []string{"ada", "grace", "linus"},
		Tags:     map[string]service.ID{"release": older.ID, "dev": newer.ID},
		Versions: []service.Version{newer, older},
	})
	equal(t, module(t, db, "Alpha").Tags, map[string]service.ID{})
	_, err := db.Module(t.Context(), "Gamma")
	check(t, err, service.ErrNotFound, "Gamma")
}

func TestModulesPages(t *testing.T) {
	db := open(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("M%d", i)
		want = append(want, name)
		save(t, db, version(name, "1.0.0", 2*i), "release")
		save(t, db, version(name, "1.1.0", 2*i+1), "dev")
	}
	var got []string
	after := ""
	for range 4 {
		page, err := db.Modules(t.Context(), after, 3)
		check(t, err, nil)
		for _, m := range page {
			if len(m.Versions) != 2 || len(m.Tags) != 2 {
				t.Errorf("%s has %d versions and %d tags, want 2 and 2", m.Name, len(m.Versions), len(m.Tags))
			}
			got = append(got, m.Name)
		}
		if len(page) < 3 {
			break
		}
		after = page[len(page)-1].Name
	}
	equal(t, got, want)

	var all []string
	check(t, db.AllModules(t.Context(), func(m service.Module) error {
		all = append(all, m.Name)
		return nil
	}), nil)
	equal(t, all, want)

	enough := errors.New("enough")
	calls := 0
	check(t, db.AllModules(t.Context(), func(service.Module) error {
		calls++
		return enough
	}), enough)
	if calls != 1 {
		t.Errorf("called %d times after an error, want 1", calls)
	}
}

func BenchmarkAllModules(b *testing.B) {
	db := open(b)
	const versions = 10_000
	fill(b, db, versions)
	for b.Loop() {
		n := 0
		if err := db.AllModules(b.Context(), func(m service.Module) error {
			n += len(m.Versions)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		if n != versions {
			b.Fatalf("%d versions, want %d", n, versions)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/10k-versions")
}

// fill registers versions, ten a module.
func fill(t testing.TB, db *store.DB, n int) []service.ID {
	t.Helper()
	ids := make([]service.ID, n)
	for i := range n {
		v := version(fmt.Sprintf("Module%d", i/10), fmt.Sprintf("1.%d.0", i%10), i)
		ids[i] = save(t, db, v, "dev", "release").ID
	}
	return ids
}
