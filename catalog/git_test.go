package catalog_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/catalog"
)

// work is a git work tree with a module in a folder of it.
type work struct {
	t    *testing.T
	root string
	dir  string
}

func newWork(t *testing.T) *work {
	t.Helper()
	root := t.TempDir()
	w := &work{t: t, root: root, dir: filepath.Join(root, "modules", "hello")}
	w.git("init", "-q")
	w.write("modules/hello/module.hcl", manifest)
	w.write("modules/hello/.gitignore", "*.o\n__pycache__/\n")
	w.write("other.txt", "x")
	w.git("add", ".")
	w.git("commit", "-qm", "first")
	return w
}

func (w *work) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-C", w.root,
		"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *work) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestGitCommit(t *testing.T) {
	if got := catalog.GitCommit(t.Context(), t.TempDir()); got != "" {
		t.Errorf("outside of git: %q", got)
	}
	for _, tt := range []struct {
		name  string
		edit  func(*work)
		clean bool
	}{
		{"clean", func(*work) {}, true},
		{"changed elsewhere", func(w *work) { w.write("other.txt", "y") }, true},
		{"left out of the package", func(w *work) { w.write("modules/hello/__pycache__/a.pyc", "x") }, true},
		{"new and left out", func(w *work) {
			w.write("modules/hello/.dynsvcignore", "notes\n")
			w.git("add", ".")
			w.git("commit", "-qm", "second")
			w.write("modules/hello/notes/today", "x")
		}, true},
		{"changed", func(w *work) { w.write("modules/hello/module.hcl", "x") }, false},
		{"changed and staged", func(w *work) { w.write("modules/hello/module.hcl", "x"); w.git("add", ".") }, false},
		{"new", func(w *work) { w.write("modules/hello/new", "x") }, false},
		{"removed", func(w *work) { w.git("rm", "-q", "--cached", "modules/hello/module.hcl") }, false},
		{"ignored by git, not by us", func(w *work) { w.write("modules/hello/a.o", "x") }, false},
		{"a folder that git ignores", func(w *work) {
			w.write(".gitignore", "out/\n")
			w.write("out/module.hcl", manifest)
			w.dir = filepath.Join(w.root, "out")
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWork(t)
			tt.edit(w)
			want := ""
			if tt.clean {
				want = w.git("rev-parse", "HEAD")
			}
			if got := catalog.GitCommit(t.Context(), w.dir); got != want {
				t.Errorf("commit %q, want %q", got, want)
			}
		})
	}
}

// What a repository configures is not run when somebody registers it.
func TestGitCommitRunsNothingOfTheRepository(t *testing.T) {
	w := newWork(t)
	ran := filepath.Join(t.TempDir(), "ran")
	w.write("hook", "#!/bin/sh\ntouch "+ran+"\ncat\n")
	if err := os.Chmod(filepath.Join(w.root, "hook"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	w.write("modules/hello/.gitattributes", "* filter=evil\n")
	w.git("add", "modules")
	w.git("commit", "-qm", "second")
	hook := filepath.Join(w.root, "hook")
	w.git("config", "core.fsmonitor", hook)
	w.git("config", "filter.evil.clean", hook)
	w.git("config", "filter.evil.process", hook)
	w.write("modules/hello/module.hcl", manifest) // newer than the index, so that status reads it
	catalog.GitCommit(t.Context(), w.dir)
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the repository ran")
	}
}
