package kbase

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// relist changes how a module is shown.
func (f *Facade) relist(ctx context.Context, c *call, change func(*entry, *store.Listing) error) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	l := e.listing
	if err := change(&e, &l); err != nil {
		return nil, err
	}
	return nothing{}, f.Store.SetListing(ctx, e.Name, l, who(c.caller))
}

func (f *Facade) setActive(ctx context.Context, c *call) (any, error) {
	return f.relist(ctx, c, func(_ *entry, l *store.Listing) error { l.Inactive = false; return nil })
}

func (f *Facade) setInactive(ctx context.Context, c *call) (any, error) {
	return f.relist(ctx, c, func(_ *entry, l *store.Listing) error { l.Inactive = true; return nil })
}

// deleteModule hides a module that was never released, and stops its services.
// Versions are kept for good here; registering the module again brings it back
// ([store.DB.SaveVersion]).
func (f *Facade) deleteModule(ctx context.Context, c *call) (any, error) {
	return f.relist(ctx, c, func(e *entry, l *store.Listing) error {
		if len(e.releases) > 0 {
			return refusal("Cannot delete module that has been released.  Make it inactive instead.")
		}
		for _, v := range e.Versions {
			if err := f.Engine.Stop(ctx, v.ID, who(c.caller)); err != nil {
				return err
			}
		}
		l.Deleted = true
		return nil
	})
}

// migrate is migrate_module_to_new_git_url.
func (f *Facade) migrate(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Module  *string `json:"module_name"`
		Current *string `json:"current_git_url"`
		New     *string `json:"new_git_url"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	e, err := f.find(ctx, named{Module: in.Module, GitURL: in.Current})
	if err != nil {
		return nil, err
	}
	if deref(in.New) == "" {
		return nil, refusal("Missing required field new_git_url")
	}
	l := e.listing
	l.GitURL = deref(in.New)
	return nothing{}, f.Store.SetListing(ctx, e.Name, l, who(c.caller))
}

// moduleState is get_module_state.
func (f *Facade) moduleState(ctx context.Context, c *call) (any, error) {
	e, err := f.listed(ctx, c)
	if err != nil {
		return nil, err
	}
	state := struct {
		Active       bool   `json:"active"`
		Released     bool   `json:"released"`
		Approval     string `json:"release_approval"`
		Review       string `json:"review_message"`
		Registration string `json:"registration"`
		Error        string `json:"error_message"`
	}{Active: !e.listing.Inactive, Registration: complete}
	_, state.Released = e.tagged(service.Release)
	if state.Approval, state.Review, err = f.approval(ctx, e.Name); err != nil {
		return nil, err
	}
	if b, ok, err := f.lastBuild(ctx, e.gitURL); err != nil {
		return nil, err
	} else if ok {
		state.Registration, state.Error = b.State, b.Error
	}
	return state, nil
}

// localFunctions: what runs in the narrative itself is not run here.
func (f *Facade) localFunctions(context.Context, *call) (any, error) { return []string{}, nil }

func (f *Facade) areApproved(ctx context.Context, c *call) (any, error) {
	names, err := argument[[]string](c, 0)
	if err != nil {
		return nil, err
	}
	all := make([]truth, len(names))
	for i, name := range names {
		ok, err := f.Store.Approved(ctx, name)
		if err != nil {
			return nil, err
		}
		all[i] = truth(ok)
	}
	return all, nil
}

func (f *Facade) approveDeveloper(ctx context.Context, c *call) (any, error) {
	name, err := argument[string](c, 0)
	if err != nil {
		return nil, err
	}
	if !service.ValidUserName(name) {
		return nil, refusal("%q is not a user name", name)
	}
	return nothing{}, f.Store.ApproveDeveloper(ctx, name, who(c.caller))
}

func (f *Facade) revokeDeveloper(ctx context.Context, c *call) (any, error) {
	name, err := argument[string](c, 0)
	if err != nil {
		return nil, err
	}
	return nothing{}, f.Store.RevokeDeveloper(ctx, name, who(c.caller))
}

// isAdmin says it of who asks: the name that clients send is ignored, as in KBase.
func (f *Facade) isAdmin(_ context.Context, c *call) (any, error) {
	return truth(c.caller.IsAdmin()), nil
}
