package server

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/dynsvc/dynsvc/service"
)

//go:embed pages/*.html pages/*.css
var pageFiles embed.FS

// cookie holds a token in a browser. It opens pages, and what they can change only
// pages of this host may ask for; the API takes the header alone, so another site
// cannot use it. Its path keeps it from every service under /svc/.
const (
	cookie  = "dynsvc_token"
	console = "/console"
)

func (a *api) pages(router *mux.Router) error {
	parsed, err := template.New("").Funcs(template.FuncMap{
		"ago": ago, "moment": moment, "inputs": inputs, "brief": brief, "masthead": newMasthead,
	}).ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return err
	}
	router.HandleFunc(console+"/style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/style.css")
	}).Methods(http.MethodGet)
	router.Handle("/", http.RedirectHandler(console, http.StatusFound)).Methods(http.MethodGet)
	router.HandleFunc(console, a.page(service.Developer, parsed, "overview.html", func(r *http.Request) (any, error) { return a.overview(r) })).
		Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc(console+"/nodes", a.page(service.Admin, parsed, "nodes.html", func(r *http.Request) (any, error) {
		return a.nodesPage(r.Context())
	})).Methods(http.MethodGet, http.MethodHead)
	a.servicePages(router, parsed)
	a.jobPages(router, parsed)
	router.HandleFunc(console, func(w http.ResponseWriter, r *http.Request) {
		if a.visits.elsewhere(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		token := r.PostFormValue("token")
		if _, ok := a.holder(r.Context(), token); ok {
			a.remember(w, r, token)
			return
		}
		render(w, parsed, "login.html", http.StatusUnauthorized, "That token is not known here, or no longer.")
	}).Methods(http.MethodPost)
	return nil
}

// masthead is what is above each page.
type masthead struct {
	Program string // of dynsvc
	Caller  *service.Caller
	At      string // the page
}

func newMasthead(program string, caller service.Caller, at string) masthead {
	return masthead{program, &caller, at}
}

// page shows a template to who holds a token of a role, or of one above.
func (a *api) page(role service.Role, parsed *template.Template, name string, view func(*http.Request) (any, error)) http.HandlerFunc {
	return a.visited(role, parsed, func(w http.ResponseWriter, r *http.Request) {
		data, err := view(r)
		if err != nil {
			a.pageFault(w, name, err)
			return
		}
		render(w, parsed, name, http.StatusOK, data)
	})
}

// visited lets only visitors of a role, or of one above, who become the caller of
// the request. The others are asked for a token. Nobody but pages of this host makes
// a browser change anything.
func (a *api) visited(role service.Role, parsed *template.Template, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if a.visits.elsewhere(w, r) {
			return
		}
		if token := r.URL.Query().Get("token"); token != "" {
			if _, ok := a.holder(r.Context(), token); ok {
				a.remember(w, r, token)
				return
			}
		}
		var visitor service.Caller
		known := false
		if c, err := r.Cookie(cookie); err == nil {
			visitor, known = a.holder(r.Context(), c.Value)
		}
		switch {
		case !known:
			render(w, parsed, "login.html", http.StatusUnauthorized, nil)
		case visitor.Role >= role:
			next(w, r.WithContext(service.WithCaller(r.Context(), visitor)))
		case r.URL.Path == console: // where everybody lands
			http.Redirect(w, r, console+"/jobs", http.StatusSeeOther)
		default:
			render(w, parsed, "login.html", http.StatusForbidden, visitor.Who()+" is "+holders[visitor.Role]+", and this needs a token of "+holders[role]+".")
		}
	}
}

// pageFault says why there is no page.
func (a *api) pageFault(w http.ResponseWriter, name string, err error) {
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		a.log.Error("page failed", "page", name, "error", err)
		err = errors.New("the page could not be made; the log says why")
	}
	writeProblem(w, status, err.Error())
}

// remember stores the token in the browser and takes it out of the address.
func (a *api) remember(w http.ResponseWriter, r *http.Request, token string) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: console, HttpOnly: true,
		Secure: a.visits.sealed(r), SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, r.URL.EscapedPath(), http.StatusSeeOther)
}

// render writes a whole page or, if the template fails, none of it.
func render(w http.ResponseWriter, t *template.Template, name string, status int, data any) {
	var page bytes.Buffer
	if err := t.ExecuteTemplate(&page, name, data); err != nil {
		writeProblem(w, http.StatusInternalServerError, "the page could not be made: "+err.Error())
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a browser that left cannot be told
}
