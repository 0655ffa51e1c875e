package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestSaveVersionReturnsItWhole(t *testing.T) {
	db := open(t)
	want := version("FilterContigs", "1.2.0", 1)
	want.Commit = "4f2a9c1d00000000000000000000000000000000"
	saved := save(t, db, want)
	equal(t, saved, want)
	for _, name := range []string{"FilterContigs", "filtercontigs"} {
		got, err := db.VersionByDigest(t.Context(), name, want.Digest)
		check(t, err, nil)
		equal(t, got, want)
	}
	_, err := db.VersionByDigest(t.Context(), "FilterContigs", "sha256:other")
	check(t, err, service.ErrNotFound, "FilterContigs")
	_, err = db.Version(t.Context(), "dyn-none-00000000")
	check(t, err, service.ErrNotFound, "dyn-none-00000000")
}

func TestSaveVersionWithoutTimeIsNow(t *testing.T) {
	db := open(t)
	v := version("A", "1.0.0", 1)
	v.RegisteredAt = time.Time{}
	before := time.Now().Add(-time.Millisecond)
	got := save(t, db, v).RegisteredAt
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("registered at %v, want now", got)
	}
}

func TestSaveVersionRules(t *testing.T) {
	first := version("A", "1.0.0", 1)
	other := version("A", "1.0.0", 2)
	raised := version("A", "1.1.0", 2)
	clash := version("A", "1.1.0", 3)
	clash.ID = first.ID
	again := first
	again.RegisteredBy, again.RegisteredAt = "grace", epoch.Add(time.Hour)

	tests := []struct {
		name    string
		tagged  []string // tags of first
		moved   bool     // and then taken away by another version
		in      store.Registration
		wantNew bool
		wantErr error
		words   []string
	}{
		{name: "same contents", in: store.Registration{Version: again, Tags: []string{"beta"}}},
		{name: "raised", tagged: []string{"release"}, in: store.Registration{Version: raised}, wantNew: true},
		{name: "dev again", tagged: []string{"dev"}, in: store.Registration{Version: other, Tags: []string{"dev"}}, wantNew: true},
		{name: "dev to release", tagged: []string{"dev"}, in: store.Registration{Version: other, Tags: []string{"release"}}, wantNew: true},
		{name: "released", tagged: []string{"release"}, in: store.Registration{Version: other}, wantErr: service.ErrConflict,
			words: []string{"A 1.0.0 was released on 2026-03-01", string(first.ID), "raise the version"}},
		{name: "released as beta", tagged: []string{"beta"}, in: store.Registration{Version: other}, wantErr: service.ErrConflict},
		{name: "released once", tagged: []string{"beta"}, moved: true, in: store.Registration{Version: other}, wantErr: service.ErrConflict},
		{name: "id taken", in: store.Registration{Version: clash}, wantErr: service.ErrConflict, words: []string{string(first.ID), "belongs to A 1.0.0"}},
		{name: "letter case", in: store.Registration{Version: version("a", "1.0.0", 9)}, wantErr: service.ErrConflict, words: []string{"registered as A"}},
		{name: "no digest", in: store.Registration{Version: service.Version{ID: "dyn-a", Module: "A"}}, wantErr: service.ErrInvalid},
		{name: "bad tag", in: store.Registration{Version: raised, Tags: []string{"1.x"}}, wantErr: service.ErrInvalid},
		{name: "file twice", in: store.Registration{Version: raised, Files: []store.File{{Name: "a"}, {Name: "a"}}}, wantErr: service.ErrInvalid, words: []string{"a is given twice"}},
		{name: "long file", in: store.Registration{Version: raised, Files: []store.File{{Name: "a", Content: make([]byte, store.MaxFile+1)}}}, wantErr: service.ErrInvalid, words: []string{"1048577"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t)
			save(t, db, first, tt.tagged...)
			if tt.moved {
				save(t, db, version("A", "2.0.0", 7), tt.tagged...)
			}
			count := len(module(t, db, "A").Versions)
			got, isNew, err := db.SaveVersion(t.Context(), tt.in)
			check(t, err, tt.wantErr, tt.words...)
			if isNew != tt.wantNew {
				t.Errorf("new = %v, want %v", isNew, tt.wantNew)
			}
			m := module(t, db, "A")
			if tt.wantNew {
				count++
			}
			if len(m.Versions) != count {
				t.Errorf("the module has %d versions, want %d", len(m.Versions), count)
			}
			if err != nil {
				return
			}
			if got.Digest != tt.in.Version.Digest {
				t.Errorf("digest = %s, want %s", got.Digest, tt.in.Version.Digest)
			}
			for _, tag := range tt.in.Tags {
				if m.Tags[tag] != got.ID {
					t.Errorf("tag %s is %s, want %s", tag, m.Tags[tag], got.ID)
				}
			}
		})
	}
}

func TestSaveVersionKeepsTheFirstRegistrar(t *testing.T) {
	db := open(t)
	first := save(t, db, version("A", "1.0.0", 1))
	again := version("A", "1.0.0", 1)
	again.RegisteredBy, again.RegisteredAt, again.Commit = "grace", epoch.Add(time.Hour), "abcdef00"
	got, _, err := db.SaveVersion(t.Context(), store.Registration{Version: again, Tags: []string{"release"}})
	check(t, err, nil)
	want := first
	want.Released = true
	equal(t, got, want)
	moves, err := db.TagHistory(t.Context(), "A", 0, 0)
	check(t, err, nil)
	equal(t, moves, []store.TagMove{{ID: 1, Tag: "release", To: first.ID, At: epoch.Add(time.Hour), Who: "grace"}})
}

// Many developers register the same semver as a release at once: one wins.
func TestSaveVersionRace(t *testing.T) {
	db := open(t)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			r := store.Registration{Version: version("A", "1.0.0", i), Tags: []string{"release"}}
			_, _, errs[i] = db.SaveVersion(t.Context(), r)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		check(t, err, service.ErrConflict)
	}
	if n := len(module(t, db, "A").Versions); won != 1 || n != 1 {
		t.Errorf("%d registrations won and %d versions are there, want 1 and 1", won, n)
	}
}

// The same upload comes many times at once: one version, no error.
func TestSaveVersionSameAtOnce(t *testing.T) {
	db := open(t)
	var wg sync.WaitGroup
	fresh := make([]bool, 16)
	for i := range fresh {
		wg.Go(func() {
			_, isNew, err := db.SaveVersion(t.Context(), store.Registration{Version: version("A", "1.0.0", 1), Tags: []string{"release"}})
			if err != nil {
				t.Error(err)
			}
			fresh[i] = isNew
		})
	}
	wg.Wait()
	if n := strings.Count(fmt.Sprint(fresh), "true"); n != 1 {
		t.Errorf("%d of the registrations are new, want 1", n)
	}
}

func TestFiles(t *testing.T) {
	db := open(t)
	v := version("A", "1.0.0", 1)
	_, _, err := db.SaveVersion(t.Context(), store.Registration{Version: v, Files: []store.File{
		{Name: "module.hcl", Content: []byte(`module "A" {}`)},
		{Name: "docs/empty.md"},
		{Name: "A.spec", Content: []byte("module A {};\xff")},
	}})
	check(t, err, nil)
	files, err := db.Files(t.Context(), v.ID)
	check(t, err, nil)
	equal(t, files, []store.File{{Name: "A.spec", Size: 13}, {Name: "docs/empty.md"}, {Name: "module.hcl", Size: 13}})
	f, err := db.File(t.Context(), v.ID, "A.spec")
	check(t, err, nil)
	equal(t, f, store.File{Name: "A.spec", Size: 13, Content: []byte("module A {};\xff")})
	_, err = db.File(t.Context(), v.ID, "B.spec")
	check(t, err, service.ErrNotFound, "B.spec")
	_, err = db.Files(t.Context(), "dyn-none-00000000")
	check(t, err, service.ErrNotFound)
}
