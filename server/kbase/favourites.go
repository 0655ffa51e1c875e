package kbase

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// app is how clients name an app.
type app struct {
	Module *string `json:"module_name"`
	ID     *string `json:"id"`
}

func (f *Facade) setFavourite(ctx context.Context, c *call, on bool) (any, error) {
	a, err := argument[app](c, 0)
	if err != nil {
		return nil, err
	}
	if deref(a.ID) == "" {
		return nil, refusal("Missing required field id")
	}
	fav := store.Favourite{Module: service.ModuleKey(deref(a.Module)), App: deref(a.ID), Who: c.caller.Name}
	return nothing{}, f.Store.SetFavourite(ctx, fav, on)
}

func (f *Facade) addFavourite(ctx context.Context, c *call) (any, error) {
	return f.setFavourite(ctx, c, true)
}

func (f *Facade) removeFavourite(ctx context.Context, c *call) (any, error) {
	return f.setFavourite(ctx, c, false)
}

// favouritesOf is list_favorites: those of one user.
func (f *Facade) favouritesOf(ctx context.Context, c *call) (any, error) {
	user, err := argument[string](c, 0)
	if err != nil {
		return nil, err
	}
	type item struct {
		Module string `json:"module_name_lc"`
		ID     string `json:"id"`
		At     int64  `json:"timestamp"`
	}
	all := []item{}
	if user == "" {
		return all, nil
	}
	list, err := f.Store.Favourites(ctx, store.Favourite{Who: user})
	for _, x := range list {
		all = append(all, item{x.Module, x.App, stamp(x.At)})
	}
	return all, err
}

// favouritesFor is list_app_favorites: the users who like an app.
func (f *Facade) favouritesFor(ctx context.Context, c *call) (any, error) {
	a, err := argument[app](c, 0)
	if err != nil {
		return nil, err
	}
	type user struct {
		Name string `json:"username"`
		At   int64  `json:"timestamp"`
	}
	all := []user{}
	if deref(a.ID) == "" {
		return all, nil
	}
	list, err := f.Store.Favourites(ctx, store.Favourite{Module: service.ModuleKey(deref(a.Module)), App: deref(a.ID)})
	for _, x := range list {
		if x.Module == service.ModuleKey(deref(a.Module)) {
			all = append(all, user{x.Who, stamp(x.At)})
		}
	}
	return all, err
}

// countFavourites is list_favorite_counts.
func (f *Facade) countFavourites(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Modules []string `json:"modules"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, m := range in.Modules {
		wanted[service.ModuleKey(m)] = true
	}
	type count struct {
		Module string `json:"module_name_lc"`
		ID     string `json:"id"`
		Count  int    `json:"count"`
	}
	all := []count{}
	list, err := f.Store.Favourites(ctx, store.Favourite{})
	for _, x := range list { // by module and app
		if len(wanted) > 0 && !wanted[x.Module] {
			continue
		}
		if n := len(all); n > 0 && all[n-1].Module == x.Module && all[n-1].ID == x.App {
			all[n-1].Count++
			continue
		}
		all = append(all, count{x.Module, x.App, 1})
	}
	return all, err
}
