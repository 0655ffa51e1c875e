package server

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// RegistrationRef is the registration from git that an operation is about.
type RegistrationRef struct {
	ID int64 `path:"id" doc:"number of the registration"`
}

// maxHook bounds the body of a push hook: GitHub sends 25 MB at most, and of a push
// only its first lines are read here.
const maxHook = 25 << 20

func (a *api) registrations() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "register-from-git", Method: http.MethodPost, Path: "/api/v1/registrations", DefaultStatus: http.StatusAccepted,
		Summary:         "Register a module from a git repository; it is carried out afterwards",
		BodyReadTimeout: readTimeout,
	}), a.registerFromGit)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "list-registrations", Method: http.MethodGet, Path: "/api/v1/registrations", Summary: "Registrations from git, newest first: one's own, or all for admins",
	}), a.listRegistrations)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-registration", Method: http.MethodGet, Path: "/api/v1/registrations/{id}", Summary: "How far a registration from git is",
	}), a.registration)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-registration-log", Method: http.MethodGet, Path: "/api/v1/registrations/{id}/log", Summary: "What a registration from git said",
	}), a.registrationLog)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "cancel-registration", Method: http.MethodDelete, Path: "/api/v1/registrations/{id}", Summary: "End a registration from git that waits or is under way, and the build of its image",
	}), a.cancelRegistration)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "push-hook", Method: http.MethodPost, Path: "/api/v1/hooks/push", DefaultStatus: http.StatusAccepted,
		Summary:      "The push hook of GitHub or GitLab, which signs it: registers the commit as dev",
		MaxBodyBytes: maxHook, BodyReadTimeout: readTimeout, SkipValidateBody: true,
	}), a.pushHook)
}

func (a *api) registerFromGit(ctx context.Context, in *struct {
	Body struct {
		Git string `json:"git" minLength:"1" doc:"URL of the repository"`
		Ref string `json:"ref,omitempty" doc:"branch, tag or whole commit; default: the repository's default branch"`
		Tag string `json:"tag,omitempty" doc:"moved to the version; default: dev"`
	}
}) (*body[store.Pull], error) {
	p, err := a.Registrar.Begin(ctx, repos.Source{URL: in.Body.Git, Ref: in.Body.Ref}, in.Body.Tag, service.CallerOf(ctx))
	return &body[store.Pull]{p}, err
}

func (a *api) listRegistrations(ctx context.Context, in *struct {
	Before int64 `query:"before" doc:"number of the registration before which the page ends; 0: the newest page"`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"1000"`
}) (*body[[]store.Pull], error) {
	var only string
	if caller := service.CallerOf(ctx); !caller.IsAdmin() {
		only = caller.Name
	}
	all, err := a.Store.Pulls(ctx, only, in.Before, in.Limit)
	return &body[[]store.Pull]{all}, err
}

func (a *api) registration(ctx context.Context, in *RegistrationRef) (*body[store.Pull], error) {
	p, err := a.pull(ctx, in.ID)
	return &body[store.Pull]{p}, err
}

func (a *api) cancelRegistration(ctx context.Context, in *RegistrationRef) (*struct{}, error) {
	p, err := a.pull(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !p.Ended.IsZero() {
		return nil, service.Errorf(service.ErrConflict, "registration %d has ended already: it is %s", in.ID, p.State)
	}
	return nil, a.Registrar.End(ctx, in.ID, service.Errorf(service.ErrInvalid, "cancelled by %s", who(ctx)))
}

// pull finds a registration of who asks; admins see all.
func (a *api) pull(ctx context.Context, id int64) (store.Pull, error) {
	p, err := a.Store.Pull(ctx, id)
	if caller := service.CallerOf(ctx); err == nil && !caller.IsAdmin() && p.Who != caller.Name {
		return store.Pull{}, service.Errorf(service.ErrDenied, "registration %d was asked for by somebody else", id)
	}
	return p, err
}

func (a *api) registrationLog(ctx context.Context, in *struct {
	RegistrationRef
	Follow bool `query:"follow" doc:"go on until the registration ends"`
}) (*huma.StreamResponse, error) {
	if _, err := a.pull(ctx, in.ID); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		out := flushed{w, http.NewResponseController(w)}
		if err := a.Registrar.Log(hctx.Context(), out, in.ID, in.Follow); err != nil && hctx.Context().Err() == nil {
			a.log.Warn("log of a registration ended early", "registration", in.ID, "error", err)
		}
	}}, nil
}

// flushed hands on each write at once.
type flushed struct {
	io.Writer
	control *http.ResponseController
}

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.control.Flush()
}

func (a *api) pushHook(ctx context.Context, in *struct {
	Event  string `header:"X-GitHub-Event"`
	Sign   string `header:"X-Hub-Signature-256"`
	Event2 string `header:"X-Gitlab-Event"`
	Token  string `header:"X-Gitlab-Token"`

	RawBody []byte `contentType:"application/json"`
}) (*body[store.Pull], error) {
	header := http.Header{}
	for name, value := range map[string]string{"X-GitHub-Event": in.Event, "X-Hub-Signature-256": in.Sign, "X-Gitlab-Event": in.Event2, "X-Gitlab-Token": in.Token} {
		header.Set(name, value)
	}
	p, err := a.Registrar.Push(ctx, header, in.RawBody)
	return &body[store.Pull]{p}, err
}
