package service_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// Whatever a reference says: it means one of the module's versions, or an error
// that is the caller's; it means the same each time and whatever the order of the
// versions that are not duplicates; and what it meant is found by its own names.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"", "release", "1.2.1", "v1.3.0", "^1.2", "1.x", ">=1.2.0 <2", "*", "ddddddd", "ddddddd1", "sha256:aaaaaaa1",
		"dyn-c", "DYN-C", "beta ", "1.2.0 || 2", ">=2.0.0-0", "@", "..", "9999999999999999999.0.0", "~", "=", "1 - 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		m := filterContigs()
		v, err := service.Resolve(m, ref)
		if err != nil {
			if !errors.Is(err, service.ErrNotFound) && !errors.Is(err, service.ErrInvalid) {
				t.Errorf("%q: %v", ref, err)
			}
			return
		}
		if !slices.ContainsFunc(m.Versions, func(one service.Version) bool { return one.ID == v.ID }) {
			t.Fatalf("%q means %s, which is none of the module's", ref, v.ID)
		}
		if again, err := service.Resolve(m, ref); err != nil || again.ID != v.ID {
			t.Errorf("%q means %s and %s, %v", ref, v.ID, again.ID, err)
		}
		names := []string{string(v.ID), strings.ToUpper(string(v.ID)), v.Digest}
		for _, name := range names {
			if own, err := service.Resolve(m, name); err != nil || own.ID != v.ID {
				t.Errorf("%q means %s, which is not what %q means: %s, %v", ref, v.ID, name, own.ID, err)
			}
		}
		if tag := m.TagOf(ref); tag != "" && m.Tags[tag] != v.ID {
			t.Errorf("%q is the tag %s of %s and means %s", ref, tag, m.Tags[tag], v.ID)
		}
		// A tag that has the name of something else decides.
		if ref != "" && service.ValidateTag(ref) == nil {
			m.Tags[ref] = "dyn-f"
			if tagged, err := service.Resolve(m, ref); err != nil || tagged.ID != "dyn-f" {
				t.Errorf("the tag %q means %s, %v", ref, tagged.ID, err)
			}
		}
	})
}
