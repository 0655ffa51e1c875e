package server

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// jobsPage is a page of call jobs: all of them to an admin, their own to others.
type jobsPage struct {
	Program string
	Caller  service.Caller
	States  []service.JobState
	State   service.JobState // chosen; empty: any
	Module  string
	By      string // the caller chosen, by an admin
	Jobs    []store.ListedJob
	Older   string // where the next page is; empty: this is the last
}

// jobPage is all about one call job.
type jobPage struct {
	service.CallJob
	Program string
	Caller  service.Caller // who looks
}

// shownJobs is how many jobs a page has.
const shownJobs = 50

// jobPages serves the call jobs. What a page does, it does as its visitor: by the
// same rules as the API.
func (a *api) jobPages(router *mux.Router, parsed *template.Template) {
	router.HandleFunc(console+"/jobs", a.page(service.User, parsed, "jobs.html", func(r *http.Request) (any, error) {
		return a.jobsPage(r.Context(), r.URL.Query())
	})).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc(console+"/jobs/{id}", a.page(service.User, parsed, "job.html", func(r *http.Request) (any, error) {
		job, err := a.mine(r.Context(), mux.Vars(r)["id"])
		return &jobPage{job, a.opts.Version, service.CallerOf(r.Context())}, err
	})).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc(console+"/jobs/{id}/result", a.visited(service.User, parsed, a.resultPage)).Methods(http.MethodGet, http.MethodHead)
	for verb, act := range map[string]func(context.Context, *JobRef) (*body[JobView], error){"cancel": a.cancelJob, "redrive": a.redriveJob} {
		router.HandleFunc(console+"/jobs/{id}/"+verb, a.visited(service.User, parsed, func(w http.ResponseWriter, r *http.Request) {
			ref := JobRef{ID: mux.Vars(r)["id"]}
			if _, err := act(r.Context(), &ref); err != nil {
				a.pageFault(w, verb, err)
				return
			}
			http.Redirect(w, r, console+"/jobs/"+url.PathEscape(ref.ID), http.StatusSeeOther)
		})).Methods(http.MethodPost)
	}
}

func (a *api) jobsPage(ctx context.Context, query url.Values) (*jobsPage, error) {
	p := &jobsPage{Program: a.opts.Version, Caller: service.CallerOf(ctx),
		States: []service.JobState{service.JobQueued, service.JobRunning, service.JobDone, service.JobFailed, service.JobCancelled, service.JobDead},
		State:  service.JobState(query.Get("state")), Module: query.Get("module")}
	f := store.JobFilter{State: p.State, Module: p.Module, Limit: shownJobs}
	if before := query.Get("before"); before != "" {
		var err error
		if f.Before, err = strconv.ParseInt(before, 10, 64); err != nil {
			return nil, service.Errorf(service.ErrInvalid, "before=%.20q is no number: follow the link to older jobs", before)
		}
	}
	if !p.Caller.IsAdmin() {
		f.Caller = &p.Caller.Name
	} else if p.By = query.Get("caller"); p.By != "" {
		f.Caller = &p.By
	}
	var err error
	if p.Jobs, err = a.Jobs.List(ctx, f); err != nil {
		return nil, err
	}
	if len(p.Jobs) == shownJobs {
		older := url.Values{"before": {strconv.FormatInt(p.Jobs[shownJobs-1].Seq, 10)}}
		for name, value := range map[string]string{"state": string(p.State), "module": p.Module, "caller": p.By} {
			if value != "" {
				older.Set(name, value)
			}
		}
		p.Older = console + "/jobs?" + older.Encode()
	}
	return p, nil
}

// resultPage gives a result to a browser as a file: it is what some module wrote.
func (a *api) resultPage(w http.ResponseWriter, r *http.Request) {
	job, err := a.mine(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		a.pageFault(w, "result", err)
		return
	}
	result, err := a.Jobs.Result(r.Context(), job.ID)
	if err != nil {
		a.pageFault(w, "result", err)
		return
	}
	defer result.Close() //nolint:errcheck // only read
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+job.ID+`.json"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", *job.Finished, result)
}

// Took is how long the last attempt has taken.
func (p *jobPage) Took() time.Duration {
	if p.Started == nil {
		return 0
	}
	end := time.Now()
	if p.Finished != nil {
		end = *p.Finished
	}
	return end.Sub(*p.Started).Round(time.Millisecond)
}

// Percent is the progress for a person; empty: the method said nothing yet.
func (p *jobPage) Percent() string {
	if p.Progress == nil {
		return ""
	}
	const all = 100
	return strconv.FormatFloat(*p.Progress*all, 'f', 0, 64) + " %"
}

// Who submitted it.
func (p *jobPage) Who() string { return cmp.Or(p.CallJob.Caller, "nobody known") }
