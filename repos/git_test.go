package repos_test

import (
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a git repository that is served as GitHub serves them: smart HTTP,
// by git's own server program.
type repository struct {
	t    *testing.T
	dir  string // of the work tree
	url  string
	root string
}

const manifest = `module "Hello" {
  version = "1.0.0"
  run {
    command = "bin/hello"
  }
}
`

func newRepository(t *testing.T) *repository {
	t.Helper()
	where, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatalf("these tests need git: %v", err)
	}
	root := t.TempDir()
	r := &repository{t: t, root: root, dir: filepath.Join(root, "hello")}
	srv := httptest.NewServer(&cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
		Stderr: io.Discard,
	})
	t.Cleanup(srv.Close)
	r.url = srv.URL + "/hello/.git"
	r.git("init", "--quiet", "--initial-branch=main", r.dir)
	r.write("module.hcl", manifest)
	r.commit("first")
	return r
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything and returns the commit.
func (r *repository) commit(message string) string {
	r.t.Helper()
	r.git("-C", r.dir, "add", "--all")
	r.git("-C", r.dir, "commit", "--quiet", "--allow-empty", "-m", message)
	return strings.TrimSpace(r.git("-C", r.dir, "rev-parse", "HEAD"))
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_ALLOW_PROTOCOL=file:http")
	cmd.Dir = r.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
