package repos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Limits of a clone. The zero value of each field is its default.
type Limits struct {
	Schemes []string      // that a repository may be cloned by; default https
	Hosts   []string      // that a repository may be on, with port where it has one; none: any
	Bytes   int64         // of what the server sends; 0: 512 MiB
	Time    time.Duration // for all of it; 0: 5 min
}

func (l Limits) withDefaults() Limits {
	if len(l.Schemes) == 0 {
		l.Schemes = []string{"https"}
	}
	if l.Bytes == 0 {
		l.Bytes = 512 << 20
	}
	if l.Time == 0 {
		l.Time = 5 * time.Minute
	}
	return l
}

// checkout is a repository with one commit in it and no work tree.
type checkout struct {
	dir    string
	commit string
	config []string // -c options
}

// fetched is where the commit stands in the clone. It is no branch, for what a tag
// names may be an object that leads to a commit.
const fetched = "refs/dynsvc/fetched"

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// clone fetches one commit without its history into a new folder under dir and
// says in log what it does. The caller removes the folder.
func clone(ctx context.Context, dir string, s Source, l Limits, log io.Writer) (_ *checkout, err error) {
	if err := s.check(l.Schemes, l.Hosts); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, service.Errorf(service.ErrUnavailable, "this agent cannot clone: git is not installed beside it")
	}
	c := &checkout{config: []string{
		"-c", "core.hooksPath=" + os.DevNull,
		"-c", "core.fsmonitor=false",
		"-c", "protocol.allow=never",
		"-c", "fetch.recurseSubmodules=false",
		"-c", "fetch.unpackLimit=1", // one pack: the limit of a file's size is that of all
		"-c", "fetch.fsckObjects=true",
		"-c", "http.followRedirects=false",
		"-c", "credential.helper=",
	}}
	for _, scheme := range l.Schemes {
		c.config = append(c.config, "-c", "protocol."+scheme+".allow=always")
	}
	if c.dir, err = os.MkdirTemp(dir, "clone-"); err != nil {
		return nil, fmt.Errorf("make a folder for the clone: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(c.dir))
		}
	}()
	ref := s.Ref
	if ref == "" {
		ref = "HEAD"
	}
	fmt.Fprintf(log, "fetching %s of %s\n", ref, s.URL)
	if _, err := c.run(ctx, l, "init", "--quiet", "--bare"); err != nil {
		return nil, err
	}
	if _, err := c.run(ctx, l, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", s.URL, "+"+ref+":"+fetched); err != nil {
		return nil, c.explain(ctx, err, s, ref, l)
	}
	head, err := c.run(ctx, l, "rev-parse", "--verify", fetched+"^{commit}")
	if err != nil {
		return nil, err
	}
	if c.commit = strings.TrimSpace(string(head)); !commitForm.MatchString(c.commit) {
		return nil, fmt.Errorf("git named the commit %q", c.commit)
	}
	fmt.Fprintf(log, "commit %s\n", c.commit)
	return c, c.plainArchives()
}

// plainArchives takes from a repository's own .gitattributes the power to leave
// files out of an archive or to rewrite them: what is registered is the commit.
func (c *checkout) plainArchives() error {
	info := filepath.Join(c.dir, "info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(info, "attributes"), []byte("* -export-ignore -export-subst -text -ident -filter\n"), 0o644)
}

// submodules lists the paths of submodules, which are not fetched.
func (c *checkout) submodules(ctx context.Context, l Limits) ([]string, error) {
	out, err := c.run(ctx, l, "ls-tree", "-r", "-z", c.commit)
	if err != nil {
		return nil, err
	}
	var paths []string
	for entry := range bytes.SplitSeq(out, []byte{0}) {
		if about, path, ok := strings.Cut(string(entry), "\t"); ok && strings.HasPrefix(about, "160000 ") {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// maxMessage is how much of a commit's message is kept, in bytes.
const maxMessage = 4 << 10

// message is what the commit's author said.
func (c *checkout) message(ctx context.Context, l Limits) (string, error) {
	out, err := c.run(ctx, l, "log", "-1", "--format=%B", c.commit)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(strings.ToValidUTF8(string(out), "?"))
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], ""), nil
}

// archive writes the commit's files as tar. Its sizes are for the reader to limit.
func (c *checkout) archive(ctx context.Context, w io.Writer) error {
	cmd := c.command(ctx, "git", append(c.config, "archive", "--format=tar", c.commit)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git archive: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// gitError is what git said when it failed.
type gitError struct {
	what string
	said string
	err  error
}

func (e *gitError) Error() string { return fmt.Sprintf("git %s: %v: %s", e.what, e.err, e.said) }
func (e *gitError) Unwrap() error { return e.err }

// fileBlock is the unit of ulimit -f in a POSIX shell.
const fileBlock = 512

// run runs git in a shell that keeps it from writing a file larger than allowed,
// for git itself has no such limit.
func (c *checkout) run(ctx context.Context, l Limits, args ...string) ([]byte, error) {
	script := fmt.Sprintf(`ulimit -f %d; exec git "$@"`, l.Bytes/fileBlock+1)
	cmd := c.command(ctx, "sh", append(append([]string{"-c", script, "sh"}, c.config...), args...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, &gitError{what: args[0], said: strings.TrimSpace(said.String()), err: err}
	}
	return out.Bytes(), nil
}

func (c *checkout) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.WaitDelay = 5 * time.Second
	whole(cmd)
	// Neither the agent's own repository nor its user's settings are to be met,
	// and nobody is there to be asked for a password.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true", "GIT_SSH_COMMAND=ssh -oBatchMode=yes", "GIT_DIR=" + c.dir}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

// explain says what a failed fetch means to the one who asked for it. Git has no
// codes for that, only texts; these are what git 2.39 says in the locale C.
func (c *checkout) explain(ctx context.Context, err error, s Source, ref string, l Limits) error {
	var g *gitError
	if !errors.As(err, &g) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return service.Errorf(service.ErrInvalid, "%s was not fetched within %s: is it that large, or its server that slow?", s.URL, l.Time)
		}
		return cause
	}
	said := g.said
	switch {
	case strings.Contains(said, "couldn't find remote ref"), strings.Contains(said, "not our ref"):
		return service.Errorf(service.ErrNotFound, "%s has no branch, tag or commit %s", s.URL, ref)
	case c.full(l):
		return service.Errorf(service.ErrInvalid, "%s is larger than the %d MiB that may be fetched", s.URL, l.Bytes>>20)
	case strings.Contains(said, "could not read Username"), strings.Contains(said, "Authentication failed"), strings.Contains(said, "not found"), strings.Contains(said, "does not appear to be a git repository"), strings.Contains(said, "403"):
		return service.Errorf(service.ErrNotFound, "there is no repository at %s that everybody may read", s.URL)
	}
	return service.Errorf(service.ErrInvalid, "%s could not be fetched: %s", s.URL, lastLine(said))
}

// full reports whether git was stopped at the limit: the pack that it was writing
// is as large as it may be.
func (c *checkout) full(l Limits) bool {
	packs, err := filepath.Glob(filepath.Join(c.dir, "objects", "pack", "*"))
	if err != nil {
		return false
	}
	for _, pack := range packs {
		if info, err := os.Stat(pack); err == nil && info.Size() >= l.Bytes {
			return true
		}
	}
	return false
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
