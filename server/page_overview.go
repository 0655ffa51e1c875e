package server

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// shownServices is how many services a page of the overview has.
const shownServices = 100

// overview is what the first page shows: what runs first, then the others by name.
type overview struct {
	URL      string
	Program  string // of dynsvc
	Caller   service.Caller
	Words    string // what somebody looks for
	Any      bool   // something is registered
	Found    int
	Running  int // services with instances, of all
	Total    int
	From, To int // of Found, from 1
	Services []row
	Before   string // address of the page before; empty: none
	Next     string
}

type row struct {
	Status
	Methods []service.Method
	About   string
	Own     bool // there is a page of it for who looks
}

func (a *api) overview(r *http.Request) (*overview, error) {
	all, err := a.statuses(r.Context())
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	view := &overview{URL: a.opts.URL, Program: a.opts.Version, Caller: service.CallerOf(r.Context()), Words: query.Get("q"), Any: len(all) > 0, Total: len(all)}
	for i := range all {
		if all[i].up() {
			view.Running++
		}
	}
	words := strings.Fields(strings.ToLower(view.Words))
	all = slices.DeleteFunc(all, func(s Status) bool {
		text := strings.ToLower(strings.Join(append([]string{s.Module, s.Version, string(s.ID), string(s.Phase)}, s.Tags...), " "))
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
	slices.SortStableFunc(all, func(a, b Status) int { return cmp.Compare(order(a), order(b)) })
	view.Found = len(all)
	page, _ := strconv.Atoi(query.Get("page")) // what is no number is the first page
	page = min(max(1, page), max(1, (len(all)+shownServices-1)/shownServices))
	first := (page - 1) * shownServices
	all = all[first:min(first+shownServices, len(all))]
	view.From, view.To = first+1, first+len(all)
	at := func(n int) string {
		return console + "?" + url.Values{"q": {view.Words}, "page": {strconv.Itoa(n)}}.Encode()
	}
	if page > 1 {
		view.Before = at(page - 1)
	}
	if view.To < view.Found {
		view.Next = at(page + 1)
	}
	for _, s := range all {
		v, err := a.Store.Version(r.Context(), s.ID)
		if err != nil {
			return nil, err
		}
		m, err := a.Store.Module(r.Context(), s.Module)
		if err != nil {
			return nil, err
		}
		view.Services = append(view.Services, row{Status: s, Methods: v.Methods, About: v.Description, Own: view.Caller.Manages(m)})
	}
	return view, nil
}

// up reports whether a service has instances, or is to have some.
func (s *Status) up() bool { return s.Count > 0 || s.Ready > 0 }

// order has what runs, or cannot run, before what is idle.
func order(s Status) int {
	switch {
	case s.Phase == service.Broken:
		return 0
	case s.up() || s.Phase != service.Idle:
		return 1
	}
	return 2
}
