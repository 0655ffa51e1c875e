package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// epoch is when the tests' versions are registered.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB) *store.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "dynsvc.db"))
}

func openAt(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), path, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// version makes a version whose contents are told apart by a number.
func version(module, semver string, contents int) service.Version {
	digest := fmt.Sprintf("sha256:%08x%056x", contents, contents)
	return service.Version{
		ID: service.NewID(module, "", digest), Module: module, Version: semver, Digest: digest,
		Description: "Drops contigs shorter than a given length.",
		Owners:      []string{"ada", "grace"}, Manifest: "module.hcl", Interface: module + ".spec",
		Run: service.Run{
			Image: "registry.example.org/filtercontigs:1.2.0", Port: 5000,
			Env: map[string]string{"LOG_LEVEL": "info"}, Secrets: []string{"DB_PASSWORD"},
			Health:    service.Health{Path: "/", StartDeadline: service.Duration{Duration: 2 * time.Minute}},
			StopGrace: service.Duration{Duration: 30 * time.Second},
		},
		Resources: service.Resources{CPU: 500, Memory: 512, Disk: 300, GPUs: []service.GPU{{Name: "nvidia/gpu", Count: 1}}},
		Scale: service.Scale{Max: 10, Concurrency: 10, MaxConcurrency: 50, IdleAfter: service.Duration{Duration: 10 * time.Minute},
			Windows: []service.Window{{Name: "office hours", Cron: "0 8 * * 1-5", Duration: service.Duration{Duration: 10 * time.Hour}, Min: 2}}},
		Methods:      []service.Method{{Name: "filter_contigs", Mode: service.Both, Timeout: service.Duration{Duration: time.Minute}}},
		RegisteredAt: epoch, RegisteredBy: "ada",
	}
}

// save registers a version that must be new.
func save(t testing.TB, db *store.DB, v service.Version, tags ...string) service.Version {
	t.Helper()
	saved, isNew, err := db.SaveVersion(t.Context(), store.Registration{Version: v, Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	if !isNew {
		t.Fatalf("%s %s is not new", v.Module, v.Version)
	}
	return saved
}

// check fails unless err is of the kind and, for a person, says the words.
func check(t testing.TB, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error = %v, want %v", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCancelledWriteChangesNothing(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := db.SaveVersion(ctx, store.Registration{Version: version("A", "1.0.0", 1)})
	check(t, err, context.Canceled)
	_, err = db.Module(t.Context(), "A")
	check(t, err, service.ErrNotFound)
}
