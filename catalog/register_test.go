package catalog_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// cluster holds what was deployed. It refuses to check or to deploy while told so.
type cluster struct {
	mu       sync.Mutex
	deployed map[service.ID]int
	refuse   error
	broken   error
	checked  service.Version
}

func (c *cluster) Check(_ context.Context, v service.Version) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = v
	return []string{"checked"}, c.refuse
}

func (c *cluster) Deploy(_ context.Context, v service.Version) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.deployed[v.ID]++
	}
	return c.broken
}

type fixture struct {
	*catalog.Catalog
	db      *store.DB
	dir     string
	cluster *cluster
	heard   []service.Module
}

func open(t *testing.T, limits catalog.Limits) *fixture {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{db: db, dir: filepath.Join(dir, "bundles"), cluster: &cluster{deployed: map[service.ID]int{}}}
	f.Catalog, err = catalog.New(db, f.dir, f.cluster, hclog.NewNullLogger(), catalog.Options{
		Defaults: defaults(), Limits: limits, Changed: func(m service.Module) { f.heard = append(f.heard, m) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Register registers for the operator where nobody else is named.
func (f *fixture) Register(ctx context.Context, u catalog.Upload) (service.Version, []catalog.Notice, error) {
	if !u.By.Known() {
		u.By = service.Operator("ada")
	}
	return f.Catalog.Register(ctx, u)
}

func (f *fixture) register(t *testing.T, u catalog.Upload) service.Version {
	t.Helper()
	v, _, err := f.Register(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// left lists what is in the bundles' folder.
func (f *fixture) left(t *testing.T) []string {
	t.Helper()
	all, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestRegister(t *testing.T) {
	f := open(t, catalog.Limits{})
	v, notices, err := f.Register(t.Context(), catalog.Upload{Files: hello(), Commit: strings.Repeat("A", 40), By: service.Operator("ada")})
	if err != nil {
		t.Fatal(err)
	}
	if v.ID != "dyn-hello-aaaaaaaa" || v.RegisteredBy != "ada" || v.RegisteredAt.IsZero() || v.Run.Port != 5000 {
		t.Errorf("version %+v", v)
	}
	if !slices.Equal(notices, []string{"checked"}) {
		t.Errorf("notices %q", notices)
	}
	if f.cluster.deployed[v.ID] != 1 {
		t.Errorf("deployed %v", f.cluster.deployed)
	}
	if len(f.heard) != 1 || f.heard[0].Tags["dev"] != v.ID || len(f.heard[0].Versions) != 1 {
		t.Errorf("heard %+v", f.heard)
	}
	files, err := f.db.Files(t.Context(), v.ID)
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
	}
	if want := []string{"README.md", "docs/more.md", "module.hcl"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("files %v, %v, want %v", names, err, want)
	}
	if got := f.left(t); len(got) != 1 || f.Bundle(v.Bundle) != filepath.Join(f.dir, got[0]) {
		t.Errorf("the folder has %v, want the bundle alone", got)
	}
	dir := filepath.Join(t.TempDir(), "module")
	if err := f.Unpack(t.Context(), v, dir); err != nil {
		t.Fatal(err)
	}
	if got, err := catalog.Digest(os.DirFS(dir)); err != nil || got != v.Digest {
		t.Errorf("digest of what was unpacked = %s, %v, want %s", got, err, v.Digest)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin/hello")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("the program cannot be executed: %v, %v", info, err)
	}
}

// The same files are one version, however they came.
func TestRegisterIsTheSameForFolderAndArchives(t *testing.T) {
	dir := t.TempDir()
	for name, file := range hello() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, file.Data, file.Mode|0o400)); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := catalog.Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, catalog.Limits{})
	first := f.register(t, catalog.Upload{Files: hello()})
	for name, u := range map[string]catalog.Upload{
		"folder":     {Files: os.DirFS(dir)},
		"packed":     {Archive: packed},
		"tar.gz":     {Archive: bytes.NewReader(gzipped(t, tarOf(t, entries(hello(), ""))))},
		"tar":        {Archive: bytes.NewReader(tarOf(t, entries(hello(), "./")))},
		"zip":        {Archive: bytes.NewReader(zipOf(t, entries(hello(), "")))},
		"top folder": {Archive: bytes.NewReader(tarOf(t, entries(hello(), "hello-1.0.0/")))},
		"zipped top": {Archive: bytes.NewReader(zipOf(t, entries(hello(), "hello/")))},
	} {
		v, notices, err := f.Register(t.Context(), u)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v.ID != first.ID || v.Digest != first.Digest {
			t.Errorf("%s: version %s %s, want %s %s", name, v.ID, v.Digest, first.ID, first.Digest)
		}
		if len(notices) == 0 || !strings.Contains(notices[len(notices)-1], "registered already as dyn-hello-") {
			t.Errorf("%s: notices %q", name, notices)
		}
	}
	if got := f.left(t); len(got) != 1 {
		t.Errorf("the folder has %v", got)
	}
}

func TestDigestTellsContentsApart(t *testing.T) {
	seen := map[string]string{}
	for name, files := range map[string]fstest.MapFS{
		"as it is":   hello(),
		"content":    edited(map[string]*fstest.MapFile{"README.md": {Data: []byte("# Hullo\n")}}),
		"name":       edited(map[string]*fstest.MapFile{"README.md": nil, "README.txt": {Data: []byte("# Hello\n")}}),
		"executable": edited(map[string]*fstest.MapFile{"README.md": {Data: []byte("# Hello\n"), Mode: 0o755}}),
	} {
		d, err := catalog.Digest(files)
		if err != nil {
			t.Fatal(err)
		}
		if seen[d] != "" {
			t.Errorf("%s and %s have one digest", name, seen[d])
		}
		seen[d] = name
	}
	// The form is fixed: another one would register everything anew.
	const want = "sha256:7e41db0639c580be891e714643d284bcb92e6387a780119318dfb6702d599b53"
	if got, err := catalog.Digest(fstest.MapFS{"a": {Data: []byte("x")}, "b/c": {Mode: 0o755}}); err != nil || got != want {
		t.Errorf("digest = %s, %v, want %s", got, err, want)
	}
}

func TestRegisterRefuses(t *testing.T) {
	deep := strings.Repeat("d/", 200) + "x"
	limits := catalog.Limits{Packed: 64 << 10, Unpacked: 1 << 20, Files: 50}
	many := hello()
	for i := range 60 {
		many[fmt.Sprintf("many/%d", i)] = &fstest.MapFile{Data: []byte("x")}
	}
	with := func(e ...entry) []byte { return tarOf(t, append(entries(hello(), ""), e...)) }
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "neither a tar.gz nor a tar nor a zip"},
		{"text", []byte("hello"), "neither"},
		{"cut", gzipped(t, with())[:300], "cannot be read"},
		{"bad gzip", []byte{0x1f, 0x8b, 0, 0}, "cannot be read"},
		{"bad zip", []byte("PK\x03\x04 nothing"), "cannot be read"},
		{"absolute", with(entry{name: "/etc/passwd", kind: tar.TypeReg}), "absolute path"},
		{"parent", with(entry{name: "a/../../x", kind: tar.TypeReg}), ".. in its path"},
		{"zip parent", zipOf(t, append(entries(hello(), ""), entry{name: "../x"})), ".. in its path"},
		{"backslash", with(entry{name: `a\..\x`, kind: tar.TypeReg}), "backslash"},
		{"control", with(entry{name: "a\nb", kind: tar.TypeReg}), "printable"},
		{"no UTF-8", with(entry{name: "a\xffb", kind: tar.TypeReg}), "printable"},
		{"symlink", with(entry{name: "lib/link", kind: tar.TypeSymlink, link: "/etc/passwd"}), "lib/link is a link"},
		{"hard link", with(entry{name: "hard", kind: tar.TypeLink, link: "module.hcl"}), "hard is a link"},
		{"zip symlink", zipOf(t, append(entries(hello(), ""), entry{name: "soft", kind: tar.TypeSymlink, mode: 0o777, link: "module.hcl"})), "soft is a link"},
		{"device", with(entry{name: "null", kind: tar.TypeChar}), "null is a special file"},
		{"pipe", with(entry{name: "pipe", kind: tar.TypeFifo}), "pipe is a special file"},
		{"twice", with(entry{name: "./README.md", kind: tar.TypeReg, data: "other"}), `"README.md" twice`},
		{"file as folder", with(entry{name: "module.hcl/x", kind: tar.TypeReg, data: "other"}), `"module.hcl" twice`},
		{"many files", gzipped(t, tarOf(t, entries(many, ""))), "more than 50 files"},
		{"many zipped files", zipOf(t, entries(many, "")), "more than 50 files"},
		{"many folders", with(entry{name: deep, kind: tar.TypeReg}), "more than 50 files"},
		{"tar bomb", gzipped(t, with(entry{name: "zeros", kind: tar.TypeReg, data: repeated(3 << 20)})), "more than 1 MiB"},
		{"zip bomb", zipOf(t, append(entries(hello(), ""), entry{name: "zeros", data: repeated(3 << 20)})), "more than 1 MiB"},
		{"large", append(with(), make([]byte, 70<<10)...), "larger than 0 MiB"},
		{"no manifest", tarOf(t, entries(edited(map[string]*fstest.MapFile{"module.hcl": nil}), "")), "no manifest"},
		{"bad manifest", tarOf(t, entries(edited(map[string]*fstest.MapFile{"module.hcl": {Data: []byte("module \"A\" {}\n")}}), "")), "module.hcl:1:1: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, limits)
			_, _, err := f.Register(t.Context(), catalog.Upload{Archive: bytes.NewReader(tt.data)})
			if !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrInvalid with %q", err, tt.want)
			}
			if got := f.left(t); len(got) > 0 {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

func TestRegisterRefusesSettings(t *testing.T) {
	f := open(t, catalog.Limits{})
	for _, u := range []catalog.Upload{
		{},
		{Files: hello(), Archive: strings.NewReader("x")},
		{Files: hello(), Tag: "1.0.0"},
		{Files: hello(), Commit: "HEAD"},
	} {
		if _, _, err := f.Register(t.Context(), u); !errors.Is(err, service.ErrInvalid) {
			t.Errorf("%+v: error %v, want ErrInvalid", u, err)
		}
	}
	broken := errors.New("the line went dead")
	if _, _, err := f.Register(t.Context(), catalog.Upload{Archive: io.MultiReader(strings.NewReader("PK"), errReader{broken})}); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	dir := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(dir, "etc")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: os.DirFS(dir)}); err == nil || !strings.Contains(err.Error(), "etc is a link") {
		t.Errorf("error %v", err)
	}
	f.cluster.refuse = service.Errorf(service.ErrInvalid, "no class holds it")
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: hello()}); !errors.Is(err, f.cluster.refuse) {
		t.Errorf("error %v", err)
	}
	if _, err := f.db.Module(t.Context(), "Hello"); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("something was registered: %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// Ignored links do not matter.
func TestRegisterIgnoresLinks(t *testing.T) {
	f := open(t, catalog.Limits{})
	files := edited(map[string]*fstest.MapFile{".dynsvcignore": {Data: []byte("node_modules\n*.log\n")}})
	archive := append(entries(files, "top/"), entry{name: "top/node_modules/.bin/x", kind: tar.TypeSymlink, link: "y"},
		entry{name: "top/.git/x", kind: tar.TypeSymlink, link: "y"})
	f.register(t, catalog.Upload{Archive: bytes.NewReader(tarOf(t, archive))})
}

func TestRegisterSemverRules(t *testing.T) {
	f := open(t, catalog.Limits{})
	other := func(text string) fs.FS {
		return edited(map[string]*fstest.MapFile{"README.md": {Data: []byte(text), Mode: 0o644}})
	}
	a := f.register(t, catalog.Upload{Files: other("a")})
	b := f.register(t, catalog.Upload{Files: other("b")}) // dev versions may share a semver
	if _, err := f.SetTag(t.Context(), "hello", service.Release, string(a.ID), service.Operator("ada")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetTag(t.Context(), "Hello", service.Release, string(b.ID), service.Operator("ada")); !errors.Is(err, service.ErrConflict) {
		t.Errorf("a second release of one semver: error %v, want ErrConflict", err)
	}
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: other("c")}); !errors.Is(err, service.ErrConflict) {
		t.Errorf("a released semver with other files: error %v, want ErrConflict", err)
	}
	renamed := edited(map[string]*fstest.MapFile{"module.hcl": {Data: []byte(strings.Replace(manifest, "Hello", "HELLO", 1))}})
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: renamed}); !errors.Is(err, service.ErrConflict) {
		t.Errorf("another letter case: error %v, want ErrConflict", err)
	}
	commit := strings.Repeat("c", 40)
	f.register(t, catalog.Upload{Files: edited(map[string]*fstest.MapFile{"x": {}, "module.hcl": {Data: []byte(strings.Replace(manifest, "1.0.0", "1.1.0", 1))}}), Commit: commit})
	if _, _, err := f.Register(t.Context(), catalog.Upload{Files: edited(map[string]*fstest.MapFile{"y": {}, "module.hcl": {Data: []byte(strings.Replace(manifest, "1.0.0", "1.1.0", 1))}}), Commit: commit}); !errors.Is(err, service.ErrConflict) {
		t.Errorf("one commit with other files: error %v, want ErrConflict", err)
	}
}

func TestRegisterStaysWhenTheClusterIsAway(t *testing.T) {
	f := open(t, catalog.Limits{})
	f.cluster.broken = service.Errorf(service.ErrUnavailable, "no leader")
	v, notices, err := f.Register(t.Context(), catalog.Upload{Files: hello()})
	if err != nil || len(notices) == 0 || !strings.Contains(notices[len(notices)-1], "no leader") {
		t.Fatalf("notices %q, error %v", notices, err)
	}
	if _, err := f.db.Version(t.Context(), v.ID); err != nil {
		t.Error(err)
	}
	f.cluster.broken = nil
	f.register(t, catalog.Upload{Files: hello()}) // once more deploys it
	if f.cluster.deployed[v.ID] != 1 {
		t.Errorf("deployed %v", f.cluster.deployed)
	}
}

func TestRegisterAtOnce(t *testing.T) {
	f := open(t, catalog.Limits{})
	packed := gzipped(t, tarOf(t, entries(hello(), "")))
	var group sync.WaitGroup
	ids := make([]service.ID, 16)
	for i := range ids {
		group.Go(func() {
			v, _, err := f.Register(t.Context(), catalog.Upload{Archive: bytes.NewReader(packed)})
			if err != nil {
				t.Error(err)
			}
			ids[i] = v.ID
		})
	}
	group.Wait()
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
		t.Errorf("ids %v, want one", ids)
	}
	m, err := f.db.Module(t.Context(), "Hello")
	if err != nil || len(m.Versions) != 1 {
		t.Errorf("versions %v, %v, want one", m.Versions, err)
	}
	if got := f.left(t); len(got) != 1 {
		t.Errorf("the folder has %v, want the bundle alone", got)
	}
}

func TestNewRefusesDefaultsThatNothingCouldHave(t *testing.T) {
	d := catalog.StandardDefaults()
	d.Resources.CPU = 0
	if _, err := catalog.New(nil, "", nil, hclog.NewNullLogger(), catalog.Options{Defaults: d}); err == nil || !strings.Contains(err.Error(), "resources.cpu") {
		t.Errorf("error %v", err)
	}
}

// The bundle's name is its checksum, so that whoever downloads it can check it.
func TestBundleIsNamedByItsChecksum(t *testing.T) {
	f := open(t, catalog.Limits{})
	v := f.register(t, catalog.Upload{Files: hello()})
	text, err := os.ReadFile(f.Bundle(v.Bundle))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(text)); got != v.Bundle {
		t.Errorf("checksum %s, want %s", got, v.Bundle)
	}
	if f.cluster.checked.Bundle != v.Bundle || f.cluster.checked.Digest != v.Digest || f.cluster.checked.ID != v.ID {
		t.Errorf("checked %+v, which is not what was saved", f.cluster.checked)
	}
}
