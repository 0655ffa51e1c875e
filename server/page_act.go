package server

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/dynsvc/dynsvc/service"
)

// servicePages serves the page of each service to those who may change it, and what
// they can have done to it there. It is done by the same rules as through the API.
func (a *api) servicePages(router *mux.Router, parsed *template.Template) {
	const path, name = console + "/services/{id}", "service.html"
	router.HandleFunc(path, a.page(service.Developer, parsed, name, func(r *http.Request) (any, error) {
		return a.servicePage(r.Context(), idOf(r))
	})).Methods(http.MethodGet, http.MethodHead)
	for verb, act := range map[string]func(*http.Request, service.ID) error{"start": a.startByPage, "stop": a.stopByPage, "scale": a.scaleByPage, "tag": a.tagByPage} {
		router.HandleFunc(path+"/"+verb, a.visited(service.Developer, parsed, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
			refused := act(r, idOf(r))
			if refused == nil {
				http.Redirect(w, r, console+"/services/"+url.PathEscape(string(idOf(r))), http.StatusSeeOther)
				return
			}
			p, err := a.servicePage(r.Context(), idOf(r))
			if err != nil || statusOf(refused) == http.StatusInternalServerError {
				a.pageFault(w, verb, cmp.Or(err, refused))
				return
			}
			p.Fault = refused.Error()
			render(w, parsed, name, statusOf(refused), p)
		})).Methods(http.MethodPost)
	}
}

func idOf(r *http.Request) service.ID { return service.ID(mux.Vars(r)["id"]) }

func (a *api) startByPage(r *http.Request, id service.ID) error {
	_, err := a.start(r.Context(), &ServiceRef{ID: id})
	return err
}

func (a *api) stopByPage(r *http.Request, id service.ID) error {
	_, err := a.stop(r.Context(), &ServiceRef{ID: id})
	return err
}

func (a *api) scaleByPage(r *http.Request, id service.ID) error {
	count, err := strconv.Atoi(r.PostFormValue("count"))
	if err != nil || count < 0 {
		return service.Errorf(service.ErrInvalid, "a service can have 0 instances or more, not %.20q", r.PostFormValue("count"))
	}
	return a.known(r.Context(), id, func() error { return a.Engine.Scale(r.Context(), id, count, who(r.Context())) })
}

func (a *api) tagByPage(r *http.Request, id service.ID) error {
	v, err := a.Store.Version(r.Context(), id)
	if err != nil {
		return err
	}
	_, err = a.Catalog.SetTag(r.Context(), v.Module, r.PostFormValue("tag"), string(id), service.CallerOf(r.Context()))
	return err
}

// sibling is another version of the same module.
type sibling struct {
	service.Version
	Tags []string
}

func (a *api) siblings(ctx context.Context, v service.Version) ([]sibling, error) {
	m, err := a.Store.Module(ctx, v.Module)
	if err != nil && !errors.Is(err, service.ErrNotFound) {
		return nil, err
	}
	var all []sibling
	for _, other := range m.Versions {
		if other.ID != v.ID {
			all = append(all, sibling{other, m.TagsOf(other.ID)})
		}
	}
	slices.SortFunc(all, func(a, b sibling) int { return b.RegisteredAt.Compare(a.RegisteredAt) })
	return all, nil
}

// Movable are the tags that can be moved here: those that are somewhere else.
func (p *servicePage) Movable() []string {
	return slices.DeleteFunc([]string{service.Dev, service.Beta, service.Release}, func(tag string) bool { return slices.Contains(p.Tags, tag) })
}
