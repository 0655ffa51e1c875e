package repos_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

var ada = service.Caller{Name: "ada", Role: service.Developer}

// nowhere deploys nothing.
type nowhere struct{}

func (nowhere) Check(context.Context, service.Version) ([]string, error) { return nil, nil }
func (nowhere) Deploy(context.Context, service.Version) error            { return nil }

type desk struct {
	*repos.Registrar
	t       *testing.T
	db      *store.DB
	catalog *catalog.Catalog
}

func open(t *testing.T, opts repos.Options) *desk {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.New(db, filepath.Join(dir, "bundles"), nowhere{}, hclog.NewNullLogger(), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts.Dir = filepath.Join(dir, "repos")
	if opts.Limits.Schemes == nil {
		opts.Limits.Schemes = []string{"https", "http"}
	}
	d := &desk{Registrar: repos.New(db, cat, hclog.NewNullLogger(), opts), t: t, db: db, catalog: cat}
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, db.Close()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// pull registers and waits for the end, by the log as a developer would.
func (d *desk) pull(s repos.Source, tag string) (store.Pull, string) {
	d.t.Helper()
	p, err := d.Begin(d.t.Context(), s, tag, ada)
	if err != nil {
		return store.Pull{State: store.PullFailed, Error: err.Error()}, ""
	}
	return d.ended(p.ID)
}

func (d *desk) ended(id int64) (store.Pull, string) {
	d.t.Helper()
	var log bytes.Buffer
	if err := d.Log(d.t.Context(), &log, id, true); err != nil {
		d.t.Fatal(err)
	}
	p, err := d.db.Pull(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return p, log.String()
}

func TestARepositoryIsRegisteredAsItIs(t *testing.T) {
	r := newRepository(t)
	// What an archive of git would leave out or rewrite is a part of the commit all the same.
	r.write(".gitattributes", "README.md export-ignore\nbin/hello export-subst\n")
	r.write("README.md", "hello\n")
	r.write("bin/hello", "$Format:%H$\n")
	r.git("-c", "protocol.file.allow=always", "-C", r.dir, "submodule", "--quiet", "add", r.url, "lib")
	commit := r.commit("second")
	d := open(t, repos.Options{})
	p, log := d.pull(repos.Source{URL: r.url}, "")
	if p.State != store.PullDone || p.Commit != commit || p.Module != "Hello" || p.Tag != "dev" || p.Ended.IsZero() {
		t.Fatalf("pull = %+v\n%s", p, log)
	}
	for _, word := range []string{"commit " + commit, "lib is a submodule and is left out", "registered Hello 1.0.0 as " + string(p.Service)} {
		if !strings.Contains(log, word) {
			t.Errorf("the log lacks %q:\n%s", word, log)
		}
	}
	v, err := d.db.Version(t.Context(), p.Service)
	if err != nil {
		t.Fatal(err)
	}
	if v.Commit != commit || v.Repository != r.url || v.RegisteredBy != "ada" || v.CommitMessage != "second" || v.Registration != p.Name() {
		t.Errorf("version = %+v", v)
	}
	if f, err := d.db.File(t.Context(), v.ID, "README.md"); err != nil || string(f.Content) != "hello\n" {
		t.Errorf("README.md = %q, %v", f.Content, err)
	}
	unpacked := t.TempDir() + "/x"
	if err := d.catalog.Unpack(t.Context(), v, unpacked); err != nil {
		t.Fatal(err)
	}
	if got := r.git("hash-object", "--no-filters", unpacked+"/bin/hello"); got != r.git("-C", r.dir, "rev-parse", "HEAD:bin/hello") {
		t.Errorf("bin/hello was rewritten")
	}
}

func TestRefs(t *testing.T) {
	r := newRepository(t)
	first := strings.TrimSpace(r.git("-C", r.dir, "rev-parse", "HEAD"))
	r.git("-C", r.dir, "tag", "-a", "v1", "-m", "one")
	r.git("-C", r.dir, "checkout", "--quiet", "-b", "feature/x")
	r.write("other", "x")
	feature := r.commit("feature")
	r.git("-C", r.dir, "checkout", "--quiet", "main")
	d := open(t, repos.Options{})
	for _, tt := range []struct{ ref, want string }{
		{"", first}, {"main", first}, {"v1", first}, {"refs/tags/v1", first}, {first, first}, {"feature/x", feature}, {feature, feature},
	} {
		if p, log := d.pull(repos.Source{URL: r.url, Ref: tt.ref}, "dev"); p.Commit != tt.want || p.State != store.PullDone {
			t.Errorf("ref %q gave %s, %s, want %s\n%s", tt.ref, p.State, p.Commit, tt.want, log)
		}
	}
}

func TestWhatCannotBeRegisteredSaysWhy(t *testing.T) {
	r := newRepository(t)
	noise := make([]byte, 3<<20)
	_, _ = rand.Read(noise) // never fails
	r.git("-C", r.dir, "checkout", "--quiet", "-b", "large")
	r.write("noise", hex.EncodeToString(noise))
	r.commit("large")
	r.git("-C", r.dir, "checkout", "--quiet", "-b", "faulty", "main")
	r.write("module.hcl", "module \"Hello\" {\n  verson = \"1.0.0\"\n}\n")
	r.commit("faulty")
	r.git("-C", r.dir, "checkout", "--quiet", "main")
	elsewhere := httptest.NewServer(http.RedirectHandler(r.url, http.StatusFound))
	t.Cleanup(elsewhere.Close)
	d := open(t, repos.Options{Limits: repos.Limits{Bytes: 1 << 20}})
	for _, tt := range []struct{ name, url, ref, want string }{
		{"scheme", "ext::sh -c true", "", "not a URL"},
		{"file", "file:///etc", "", "not by file"},
		{"scp", "git@github.com:me/x.git", "", "ssh address"},
		{"secret", strings.Replace(r.url, "http://", "http://ada:secret@", 1), "", "has a user in it"},
		{"option", r.url, "--upload-pack=x", "not the name of a branch"},
		{"dots", r.url, "a..b", "not the name of a branch"},
		{"short commit", r.url, "abcdef1", "all 40 digits"},
		{"no ref", r.url, "nothere", "has no branch, tag or commit nothere"},
		{"no commit", r.url, strings.Repeat("ab", 20), "has no branch, tag or commit abab"},
		{"no repository", strings.Replace(r.url, "hello", "nobody", 1), "", "there is no repository"},
		{"redirect", elsewhere.URL + "/x.git", "", "could not be fetched"},
		{"too large", r.url, "large", "larger than the 1 MiB"},
		{"manifest", r.url, "faulty", "module.hcl:2:3"},
	} {
		p, log := d.pull(repos.Source{URL: tt.url, Ref: tt.ref}, "")
		if p.State != store.PullFailed || !strings.Contains(p.Error, tt.want) {
			t.Errorf("%s: %s, %q, want %q\n%s", tt.name, p.State, p.Error, tt.want, log)
		}
		if strings.Contains(p.Error+log, "secret") && tt.name != "secret" {
			t.Errorf("%s: %q", tt.name, p.Error)
		}
	}
	left, err := filepath.Glob(filepath.Join(t.TempDir(), "..", "*", "repos", "clone-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("clones were left: %v, %v", left, err)
	}
}

func TestASlowServerIsNotWaitedFor(t *testing.T) {
	stuck := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(stuck) })
	d := open(t, repos.Options{Limits: repos.Limits{Time: 300 * time.Millisecond}})
	if p, _ := d.pull(repos.Source{URL: srv.URL + "/x.git"}, ""); !strings.Contains(p.Error, "was not fetched within 300ms") {
		t.Errorf("pull = %+v", p)
	}
}

func TestARegistrationCanBeEnded(t *testing.T) {
	asked := make(chan struct{}, 100)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(stuck.Close)
	d := open(t, repos.Options{Workers: 1})
	first, err := d.Begin(t.Context(), repos.Source{URL: stuck.URL + "/x.git"}, "", ada)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Begin(t.Context(), repos.Source{URL: stuck.URL + "/y.git"}, "", ada)
	if err != nil {
		t.Fatal(err)
	}
	<-asked // the first is under way, the second waits
	for _, p := range []store.Pull{second, first} {
		if err := d.End(t.Context(), p.ID, errors.New("it is stuck")); err != nil {
			t.Fatal(err)
		}
		if got, _ := d.ended(p.ID); got.State != store.PullFailed || !strings.Contains(got.Error, "it is stuck") {
			t.Errorf("%s after End = %+v", p.URL, got)
		}
	}
}

func TestOnlyDevelopersRegister(t *testing.T) {
	r := newRepository(t)
	d := open(t, repos.Options{})
	if _, err := d.Begin(t.Context(), repos.Source{URL: r.url}, "", service.Caller{Name: "eve", Role: service.User}); !errors.Is(err, service.ErrDenied) {
		t.Errorf("Begin by a user = %v", err)
	}
	if p, log := d.pull(repos.Source{URL: r.url}, ""); p.State != store.PullDone {
		t.Fatalf("pull by ada = %+v\n%s", p, log)
	}
	p, err := d.Begin(t.Context(), repos.Source{URL: r.url}, "", service.Caller{Name: "bob", Role: service.Developer})
	if err != nil {
		t.Fatal(err)
	}
	if p, _ = d.ended(p.ID); p.State != store.PullFailed || !strings.Contains(p.Error, "owner") {
		t.Errorf("pull by somebody who is no owner = %+v", p)
	}
}

func TestWhatAnAgentLeftIsEnded(t *testing.T) {
	d := open(t, repos.Options{})
	id, err := d.db.AddPull(t.Context(), store.Pull{URL: "https://git.example.org/x", Tag: "dev", State: store.PullRunning})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := d.db.Pull(t.Context(), id); err != nil || p.State != store.PullFailed || !strings.Contains(p.Error, "register it again") {
		t.Errorf("pull = %+v, %v", p, err)
	}
	if err := d.Log(t.Context(), &bytes.Buffer{}, id, true); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("Log without one = %v", err)
	}
}
