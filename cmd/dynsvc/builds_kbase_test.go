package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// nowhere deploys nothing.
type nowhere struct{}

func (nowhere) Check(context.Context, service.Version) ([]string, error) { return nil, nil }
func (nowhere) Deploy(context.Context, service.Version) error            { return nil }

// smithy builds every image, and calls look meanwhile.
type smithy struct{ look func() }

func (s *smithy) Build(context.Context, service.Build, io.Writer) (string, error) {
	s.look()
	return "registry.example.org/hello@sha256:" + strings.Repeat("0", 64), nil
}
func (*smithy) Log(context.Context, io.Writer, service.Build) error { return nil }

// A repository goes through KBase's words for registrations: begun, ended, listed,
// with its log, and set by an admin.
func TestRegistrationsInTheWordsOfKBase(t *testing.T) {
	dir := t.TempDir()
	repo := filepath.Join(dir, "hello")
	if err := os.MkdirAll(repo, 0o755); err != nil {
		t.Fatal(err)
	}
	const manifest = "module \"Hello\" {\n  version = \"1.0.0\"\n  run {\n    dockerfile = \"Dockerfile\"\n  }\n}\n"
	for name, text := range map[string]string{"module.hcl": manifest, "Dockerfile": "FROM scratch\n"} {
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "first"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	db, err := store.Open(t.Context(), filepath.Join(dir, "db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	forge := &smithy{}
	cat, err := catalog.New(db, filepath.Join(dir, "bundles"), nowhere{}, hclog.NewNullLogger(), catalog.Options{Builder: forge})
	if err != nil {
		t.Fatal(err)
	}
	b := &kbaseBuilds{db: db, registrar: repos.New(db, cat, hclog.NewNullLogger(), repos.Options{Dir: filepath.Join(dir, "repos"), Limits: repos.Limits{Schemes: []string{"file"}}})}
	if err := b.registrar.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := "file://" + repo
	id, err := b.Register(t.Context(), kbase.Repository{URL: url, By: service.Caller{Name: "ada", Role: service.User}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Build(t.Context(), id); err != nil || got.State != "waiting to start" || got.ID != id {
		t.Errorf("Build of what waits = %+v, %v", got, err)
	}
	var meanwhile string
	forge.look = func() {
		if got, err := b.Build(context.Background(), id); err == nil {
			meanwhile = got.State
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.registrar.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, db.Close()); err != nil {
			t.Error(err)
		}
	})
	number, _ := store.PullID(id)
	if err := b.registrar.Log(t.Context(), io.Discard, number, true); err != nil { // until it has ended
		t.Fatal(err)
	}
	if want := "building: building the docker image"; meanwhile != want {
		t.Errorf("while its image was built it was %q, want %q", meanwhile, want)
	}
	all, err := b.Builds(t.Context(), url)
	if err != nil || len(all) != 1 || all[0].State != "complete" || all[0].Module != "Hello" {
		t.Fatalf("Builds = %+v, %v", all, err)
	}
	lines, err := b.Log(t.Context(), id)
	if err != nil || len(lines) < 3 || !strings.HasPrefix(lines[len(lines)-1].Content, "registered Hello 1.0.0") {
		t.Errorf("Log = %+v, %v", lines, err)
	}
	if err := b.SetState(t.Context(), url, "error", "wrong"); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Build(t.Context(), id); err != nil || got.State != "error" || got.Error != "wrong" {
		t.Errorf("Build after SetState = %+v, %v", got, err)
	}
	if err := b.SetState(t.Context(), url, "building", ""); !errors.Is(err, service.ErrInvalid) {
		t.Errorf("SetState to what is no end = %v", err)
	}
	if _, err := b.Build(t.Context(), "1_"+id); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Build of nothing = %v", err)
	}
}
