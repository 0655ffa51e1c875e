package catalog

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// GitCommit returns the commit that a folder's files are from, or "" if there is
// none that has all of them just so: no git program or work tree, a changed,
// new or missing file, a submodule, or a file that git ignores and [Pack] does
// not. Nothing that the repository itself configures is run.
func GitCommit(ctx context.Context, dir string) string {
	g, ok := openGit(ctx, dir)
	if !ok {
		return ""
	}
	head, ok := g.run(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	commit := strings.TrimSpace(string(head))
	if !ok || !commitHash.MatchString(commit) {
		return ""
	}
	tracked, ok := g.run(ctx, "ls-files", "-z", "--stage", "--", ".")
	if !ok || len(tracked) == 0 {
		return ""
	}
	for entry := range bytes.SplitSeq(tracked, []byte{0}) {
		if bytes.HasPrefix(entry, []byte("160000 ")) { // a submodule
			return ""
		}
	}
	status, ok := g.run(ctx, "status", "-z", "--porcelain=v1", "--no-renames", "--untracked-files=all", "--ignored=matching", "--", ".")
	if !ok || !g.clean(status) {
		return ""
	}
	return commit
}

type git struct {
	dir    string
	prefix string   // the folder's path in the work tree, "" or ending in /
	config []string // -c options
}

func openGit(ctx context.Context, dir string) (*git, bool) {
	g := &git{dir: dir, config: []string{
		"-c", "core.fsmonitor=false",
		"-c", "core.hooksPath=" + os.DevNull,
		"-c", "core.untrackedCache=false",
	}}
	prefix, ok := g.run(ctx, "rev-parse", "--show-prefix")
	if !ok {
		return nil, false
	}
	g.prefix = strings.TrimSuffix(string(prefix), "\n")
	// A clean filter is a program that status runs. Without its filters a file
	// looks changed, which is the safe side.
	filters, _ := g.run(ctx, "config", "-z", "--name-only", "--get-regexp", `^filter\..*\.(clean|process)$`) // exits 1 if there are none
	for name := range strings.SplitSeq(string(filters), "\x00") {
		if name != "" {
			g.config = append(g.config, "-c", name+"=")
		}
	}
	return g, true
}

func (g *git) run(ctx context.Context, args ...string) ([]byte, bool) {
	cmd := exec.CommandContext(ctx, "git", append(append([]string{"-C", g.dir}, g.config...), args...)...)
	cmd.Env = append(gitlessEnviron(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.Output()
	return out, err == nil
}

// gitlessEnviron leaves out what would point git to another repository.
func gitlessEnviron() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			env = append(env, v)
		}
	}
	return env
}

// clean reports whether a status names nothing that would be packed.
func (g *git) clean(status []byte) bool {
	ig, err := readIgnore(os.DirFS(g.dir))
	if err != nil {
		return false
	}
	for entry := range strings.SplitSeq(string(status), "\x00") {
		if entry == "" {
			continue
		}
		if !strings.HasPrefix(entry, "!! ") && !strings.HasPrefix(entry, "?? ") {
			return false // of the tracked files, every one has to be as committed
		}
		name, inside := strings.CutPrefix(entry[3:], g.prefix)
		folder := strings.HasSuffix(name, "/")
		name = path.Clean(filepath.ToSlash(name))
		if !inside || name == "." || !ig.match(name, folder) {
			return false
		}
	}
	return true
}
