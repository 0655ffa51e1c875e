package kbase

import (
	"context"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// owned finds the module that the first argument names, if the caller may change it.
func (f *Facade) owned(ctx context.Context, c *call) (entry, error) {
	e, err := f.listed(ctx, c)
	if err == nil && !owns(c.caller, e.Module) {
		err = errDenied
	}
	return e, err
}

// pushToBeta is push_dev_to_beta.
func (f *Facade) pushToBeta(ctx context.Context, c *call) (any, error) {
	e, err := f.owned(ctx, c)
	if err != nil {
		return nil, err
	}
	v, ok := e.tagged(service.Dev)
	if !ok {
		return nil, refusal("Cannot push dev to beta - there is no dev version.")
	}
	if last, open, err := f.Store.LastRequest(ctx, e.Name); err != nil || open && last.Decision == "" {
		if err != nil {
			return nil, err
		}
		return nil, refusal("Cannot push dev to beta - last release request of beta is still pending.")
	}
	_, err = f.Catalog.SetTag(ctx, e.Name, service.Beta, string(v.ID), owning(c.caller))
	return nothing{}, err
}

// requestRelease is request_release.
func (f *Facade) requestRelease(ctx context.Context, c *call) (any, error) {
	e, err := f.owned(ctx, c)
	if err != nil {
		return nil, err
	}
	if e.listing.Inactive {
		return nil, refusal("Cannot request release - the module is inactive.")
	}
	v, ok := e.tagged(service.Beta)
	if !ok {
		return nil, refusal("Cannot request release - there is no beta version.")
	}
	if released, ok := e.tagged(service.Release); ok && released.ID == v.ID {
		return nil, refusal("Cannot request release - beta version is identical to released version.")
	}
	for _, other := range e.Versions {
		if _, is := e.releases[other.ID]; is && other.Version == v.Version && other.ID != v.ID {
			return nil, refusal("Cannot request release - version %s has been released already: raise module-version.", v.Version)
		}
	}
	if last, ok, err := f.Store.LastRequest(ctx, e.Name); err != nil || ok && last.Decision == "" {
		if err != nil {
			return nil, err
		}
		return nil, refusal("Cannot request release - request already pending review.")
	}
	return nothing{}, f.Store.AddRequest(ctx, v.ID, who(c.caller))
}

// requested is an open request as reviewers read it.
type requested struct {
	Module        string   `json:"module_name"`
	GitURL        string   `json:"git_url"`
	Commit        string   `json:"git_commit_hash"`
	CommitMessage string   `json:"git_commit_message"`
	Timestamp     int64    `json:"timestamp"`
	Owners        []string `json:"owners"`
}

// listRequests is list_requested_releases.
func (f *Facade) listRequests(ctx context.Context, _ *call) (any, error) {
	open, err := f.Store.OpenRequests(ctx)
	if err != nil {
		return nil, err
	}
	all := []requested{}
	for _, r := range open {
		e, err := f.find(ctx, named{Module: &r.Module})
		if err == errNoModule { //nolint:errorlint // the very value: deleted meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		v, _ := e.byID(r.Service)
		all = append(all, requested{Module: e.Name, GitURL: e.gitURL, Commit: hash(v), CommitMessage: v.CommitMessage,
			Timestamp: v.RegisteredAt.UnixMilli(), Owners: list(e.Owners)})
	}
	return all, nil
}

// review is review_release_request.
func (f *Facade) review(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	in, err := argument[struct {
		Decision string  `json:"decision"`
		Message  *string `json:"review_message"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	if in.Decision != store.Approved && in.Decision != store.Denied {
		return nil, refusal(`Cannot set review - decision must be "approved" or "denied"`)
	}
	r, ok, err := f.Store.LastRequest(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	if !ok || r.Decision != "" {
		return nil, refusal("Cannot review request - module/repo is not under review!")
	}
	r.Decision, r.DecidedBy, r.Message = in.Decision, who(c.caller), deref(in.Message)
	if r.Decision == store.Denied && r.Message == "" {
		return nil, refusal("Cannot deny a release without review_message: the owners read it")
	}
	// The tag first: a review that is cut off here can be repeated.
	if r.Decision == store.Approved {
		if _, err := f.Catalog.SetTag(ctx, e.Name, service.Release, string(r.Service), owning(c.caller)); err != nil {
			return nil, err
		}
	}
	return nothing{}, f.Store.DecideRequest(ctx, r)
}

// approval is what get_module_state says of the newest request.
func (f *Facade) approval(ctx context.Context, module string) (state, message string, err error) {
	r, ok, err := f.Store.LastRequest(ctx, module)
	switch {
	case err != nil || !ok:
		return "not_requested", "", err
	case r.Decision == "":
		return "under_review", "", nil
	}
	return strings.ToLower(r.Decision), r.Message, nil
}
