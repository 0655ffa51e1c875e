package repos

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Hooks says which push hooks are taken. A secret that is empty refuses all of its kind.
type Hooks struct {
	GitHubSecret string // signs the body: X-Hub-Signature-256
	GitLabSecret string // comes as it is: X-Gitlab-Token
}

// push is what GitHub and GitLab say of a push, as far as it is of interest here.
// https://docs.github.com/webhooks/webhook-events-and-payloads#push,
// https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
type push struct {
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Repository struct {
		CloneURL      string `json:"clone_url"` // GitHub
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Project struct { // GitLab
		HTTPURL       string `json:"git_http_url"`
		DefaultBranch string `json:"default_branch"`
	} `json:"project"`
}

// Push takes a push hook: it checks who signed it and registers the commit with the
// tag dev, if a module came from that repository before and the push was to its
// default branch. A hook that is good and asks for nothing gives a pull with id 0 and
// the reason in Error.
func (r *Registrar) Push(ctx context.Context, header http.Header, body []byte) (store.Pull, error) {
	var event string
	switch {
	case header.Get("X-GitHub-Event") != "":
		event = header.Get("X-GitHub-Event")
		if err := r.opts.Hooks.github(header.Get("X-Hub-Signature-256"), body); err != nil {
			return store.Pull{}, err
		}
	case header.Get("X-Gitlab-Event") != "":
		event = strings.TrimSuffix(strings.ToLower(header.Get("X-Gitlab-Event")), " hook")
		if err := r.opts.Hooks.gitlab(header.Get("X-Gitlab-Token")); err != nil {
			return store.Pull{}, err
		}
	default:
		return store.Pull{}, service.Errorf(service.ErrInvalid, "this is neither GitHub's hook nor GitLab's: both name their event in a header")
	}
	if event != "push" {
		return store.Pull{Error: "nothing to do for the event " + event}, nil
	}
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		return store.Pull{}, service.Errorf(service.ErrInvalid, "the hook's body is not the JSON of a push; set its content type to application/json: %w", err)
	}
	return r.pushed(ctx, p)
}

func (r *Registrar) pushed(ctx context.Context, p push) (store.Pull, error) {
	address, branch := p.Repository.CloneURL, p.Repository.DefaultBranch
	if address == "" {
		address, branch = p.Project.HTTPURL, p.Project.DefaultBranch
	}
	if !commitForm.MatchString(p.After) {
		return store.Pull{}, service.Errorf(service.ErrInvalid, "the push names no commit")
	}
	known, err := r.db.PulledFrom(ctx)
	if err != nil {
		return store.Pull{}, err
	}
	for _, before := range known {
		if !same(before.URL, address) {
			continue
		}
		switch {
		case strings.Trim(p.After, "0") == "":
			return store.Pull{Error: "the branch was deleted"}, nil
		case p.Ref != "refs/heads/"+branch:
			return store.Pull{Error: "only pushes to " + branch + " are registered, not to " + p.Ref}, nil
		}
		// The hook may do what its module's registration needs and nothing else.
		by := service.Caller{Name: "push hook", Role: service.Developer, From: service.FromConfig}
		m, err := r.db.Module(ctx, before.Module)
		if err != nil {
			return store.Pull{}, err
		}
		if len(m.Owners) > 0 {
			by.Name = m.Owners[0]
		}
		return r.Begin(ctx, Source{URL: before.URL, Ref: p.After}, service.Dev, by)
	}
	return store.Pull{}, service.Errorf(service.ErrNotFound, "no module was registered from %s before: its owner does that once, with dynsvc register -git", address)
}

func (h Hooks) github(signature string, body []byte) error {
	if h.GitHubSecret == "" {
		return service.Errorf(service.ErrDenied, "GitHub's hooks are not taken here: the operator sets a secret")
	}
	mac := hmac.New(sha256.New, []byte(h.GitHubSecret))
	_, _ = mac.Write(body) // a hash never fails
	got, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return service.Errorf(service.ErrUnauthenticated, "the hook's signature is not made with the secret that is set here")
	}
	return nil
}

func (h Hooks) gitlab(token string) error {
	if h.GitLabSecret == "" {
		return service.Errorf(service.ErrDenied, "GitLab's hooks are not taken here: the operator sets a secret")
	}
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(h.GitLabSecret))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return service.Errorf(service.ErrUnauthenticated, "the hook's token is not the secret that is set here")
	}
	return nil
}
