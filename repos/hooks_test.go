package repos_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func signed(secret, body string) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body)) // a hash never fails
	return http.Header{"X-Github-Event": {"push"}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
}

func TestPushHooks(t *testing.T) {
	r := newRepository(t)
	d := open(t, repos.Options{Hooks: repos.Hooks{GitHubSecret: "s1", GitLabSecret: "s2"}})
	body := func(ref, commit string) string {
		return fmt.Sprintf(`{"ref": %q, "after": %q, "repository": {"clone_url": %q, "default_branch": "main"}}`, ref, commit, strings.TrimSuffix(r.url, ".git"))
	}
	r.write("more", "x")
	commit := r.commit("more")
	main := body("refs/heads/main", commit)
	if _, err := d.Push(t.Context(), signed("s1", main), []byte(main)); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("a push to a repository that nobody registered = %v", err)
	}
	if p, log := d.pull(repos.Source{URL: r.url}, "dev"); p.State != store.PullDone {
		t.Fatalf("%+v\n%s", p, log)
	}
	r.write("more", "y")
	commit = r.commit("yet more")
	main = body("refs/heads/main", commit)
	p, err := d.Push(t.Context(), signed("s1", main), []byte(main))
	if err != nil || p.ID == 0 {
		t.Fatalf("Push = %+v, %v", p, err)
	}
	if p, log := d.ended(p.ID); p.State != store.PullDone || p.Commit != commit || p.Tag != "dev" {
		t.Errorf("pushed = %+v\n%s", p, log)
	}
	gitlab := fmt.Sprintf(`{"ref": "refs/heads/main", "after": %q, "project": {"git_http_url": %q, "default_branch": "main"}}`, commit, r.url)
	p, err = d.Push(t.Context(), http.Header{"X-Gitlab-Event": {"Push Hook"}, "X-Gitlab-Token": {"s2"}}, []byte(gitlab))
	if err != nil || p.ID == 0 {
		t.Fatalf("Push by GitLab = %+v, %v", p, err)
	}
	if p, log := d.ended(p.ID); p.State != store.PullDone {
		t.Errorf("pushed by GitLab = %+v\n%s", p, log)
	}
	ping := signed("s1", "{}")
	ping.Set("X-GitHub-Event", "ping")
	feature := body("refs/heads/feature", commit)
	gone := body("refs/heads/main", strings.Repeat("0", 40))
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		why    string
		err    error
	}{
		{"ping", ping, "{}", "nothing to do", nil},
		{"other branch", signed("s1", feature), feature, "only pushes to main", nil},
		{"deleted", signed("s1", gone), gone, "deleted", nil},
		{"forged", signed("wrong", main), main, "", service.ErrUnauthenticated},
		{"signature of another body", signed("s1", "{}"), main, "", service.ErrUnauthenticated},
		{"wrong token", http.Header{"X-Gitlab-Event": {"Push Hook"}, "X-Gitlab-Token": {"s1"}}, gitlab, "", service.ErrUnauthenticated},
		{"neither", http.Header{}, main, "", service.ErrInvalid},
		{"no JSON", signed("s1", "payload=x"), "payload=x", "", service.ErrInvalid},
	} {
		p, err := d.Push(t.Context(), tt.header, []byte(tt.body))
		if !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) || !strings.Contains(p.Error, tt.why) || p.ID != 0 {
			t.Errorf("%s: %+v, %v", tt.name, p, err)
		}
	}
	closed := open(t, repos.Options{})
	if _, err := closed.Push(t.Context(), signed("", main), []byte(main)); !errors.Is(err, service.ErrDenied) {
		t.Errorf("a hook without a secret = %v", err)
	}
}
