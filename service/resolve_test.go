package service_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// filterContigs has, newest first: a second development build of 1.3.0, the
// first one, a pre-release, two releases.
func filterContigs() service.Module {
	v := func(id, semver, commit, digest string) service.Version {
		return service.Version{ID: service.ID(id), Module: "FilterContigs", Version: semver, Commit: commit, Digest: "sha256:" + digest}
	}
	return service.Module{
		Name: "FilterContigs",
		Tags: map[string]service.ID{"release": "dyn-e", "beta": "dyn-c", "dev": "dyn-a"},
		Versions: []service.Version{
			v("dyn-a", "1.3.0", "", "aaaaaaa1"+strings.Repeat("0", 56)),
			v("dyn-b", "1.3.0", "bbbbbbb1"+strings.Repeat("0", 32), "bbbbbbb2"+strings.Repeat("0", 56)),
			v("dyn-c", "2.0.0-rc.1", "cccccccc"+strings.Repeat("0", 32), "1234567c"+strings.Repeat("0", 56)),
			v("dyn-d", "1.2.0", "ddddddd1"+strings.Repeat("0", 32), "ddddddd2"+strings.Repeat("0", 56)),
			v("dyn-e", "1.2.1", "ddddddd3"+strings.Repeat("0", 32), "ddddddd4"+strings.Repeat("0", 56)),
			v("dyn-f", "1.2.0", "ddddddd1"+strings.Repeat("0", 32), "eeeeeee4"+strings.Repeat("0", 56)),
		},
	}
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ ref, want string }{
		{"", "dyn-e"},
		{"release", "dyn-e"},
		{"dev", "dyn-a"},
		{"1.2.1", "dyn-e"},
		{"v1.2.1", "dyn-e"},
		{"1.3.0", "dyn-a"},
		{"2.0.0-rc.1", "dyn-c"},
		{"^1.2", "dyn-a"},
		{"~1.2", "dyn-e"},
		{"1.2.x", "dyn-e"},
		{"1", "dyn-a"},
		{"*", "dyn-a"},
		{">=1.2.0 <1.2.1", "dyn-d"},
		{">=2.0.0-0", "dyn-c"},
		{"bbbbbbb1", "dyn-b"},
		{"BBBBBBB1", "dyn-b"},
		{"bbbbbbb2", "dyn-b"},
		{"sha256:aaaaaaa", "dyn-a"},
		{"aaaaaaa1", "dyn-a"},
		{"1234567", "dyn-c"}, // a range that nothing is in, then a digest
		{"ddddddd1", "dyn-d"},
		{"dyn-f", "dyn-f"},
	} {
		got, err := service.Resolve(filterContigs(), tt.ref)
		if err != nil {
			t.Errorf("Resolve(%q): %v", tt.ref, err)
			continue
		}
		if string(got.ID) != tt.want {
			t.Errorf("Resolve(%q) = %s, want %s", tt.ref, got.ID, tt.want)
		}
	}
}

func TestResolveTells(t *testing.T) {
	for _, tt := range []struct {
		ref  string
		kind error
		want string
	}{
		{"gamma", service.ErrNotFound, `module FilterContigs has no version or tag "gamma": there are the versions 1.3.0, 2.0.0-rc.1, 1.2.0, 1.2.1 and the tags beta, dev, release`},
		{"bbbbbb", service.ErrNotFound, `module FilterContigs has no version or tag "bbbbbb"`},
		{"^3", service.ErrNotFound, `no version or tag "^3"`},
		{"ddddddd", service.ErrInvalid, "2 versions whose commit begins with ddddddd"},
		{" ", service.ErrNotFound, ""},
		{strings.Repeat(">=1,", 400), service.ErrNotFound, ""},
	} {
		_, err := service.Resolve(filterContigs(), tt.ref)
		if !errors.Is(err, tt.kind) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("Resolve(%q): error %v, want %v with %q", tt.ref, err, tt.kind, tt.want)
		}
	}
}

func TestResolvePrefersTheReleaseAmongDuplicates(t *testing.T) {
	m := filterContigs()
	m.Versions[1].Released = true
	if got, err := service.Resolve(m, "1.3.0"); err != nil || got.ID != "dyn-b" {
		t.Errorf("once released: %s, %v, want dyn-b", got.ID, err)
	}
	m.Versions[0].Released = true
	m.Tags["release"] = "dyn-b"
	for _, ref := range []string{"1.3.0", "^1"} {
		if got, err := service.Resolve(m, ref); err != nil || got.ID != "dyn-b" {
			t.Errorf("Resolve(%q) = %s, %v, want dyn-b", ref, got.ID, err)
		}
	}
}

func TestResolveWithoutRelease(t *testing.T) {
	m := filterContigs()
	delete(m.Tags, "release")
	for _, tag := range []string{"beta", "dev"} {
		if got, err := service.Resolve(m, ""); err != nil || got.ID != m.Tags[tag] {
			t.Errorf("without a release: %s, %v, want the one tagged %s", got.ID, err, tag)
		}
		delete(m.Tags, tag)
	}
	if _, err := service.Resolve(m, "release"); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Resolve(release) without one: %v, want not found", err)
	}
	if _, err := service.Resolve(m, ""); !errors.Is(err, service.ErrNotFound) || !strings.Contains(err.Error(), "no tag") {
		t.Errorf("error %v, want one that says what there is", err)
	}
	if _, err := service.Resolve(service.Module{Name: "X"}, ""); !errors.Is(err, service.ErrNotFound) || !strings.Contains(err.Error(), "nothing is registered") {
		t.Errorf("error %v", err)
	}
}

func TestValidateTag(t *testing.T) {
	for _, name := range []string{"dev", "beta", "release", "release-2026", "stable", "a", "facade"} {
		if err := service.ValidateTag(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "Dev", "1.2.0", "v1", "v1-2", "x", "deadbeef", "dyn-x", "a b", "-a", "a_b", strings.Repeat("a", 33), "dev\n", "ä"} {
		if err := service.ValidateTag(name); !errors.Is(err, service.ErrInvalid) {
			t.Errorf("tag %q: error %v, want ErrInvalid", name, err)
		}
	}
}
