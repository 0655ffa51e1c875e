package kbase

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// which is the service that a method of the Service Wizard is about.
type which struct {
	Module  *string `json:"module_name"`
	Version *string `json:"version"`
}

// wizard is the Service Wizard.
func (f *Facade) wizard() *api {
	return &api{Facade: f, module: "ServiceWizard", operations: map[string]operation{
		"start":                              {optional, 1, 1, f.getStatus},
		"get_service_status":                 {optional, 1, 1, f.getStatus},
		"get_service_status_without_restart": {anyone, 1, 1, f.peek},
		"stop":                               {required, 1, 1, f.stop},
		"list_service_status":                {anyone, 1, 1, f.listStatus},
		"get_service_log":                    {required, 1, 1, f.getLog},
		"get_service_log_web_socket":         {required, 1, 1, f.getSocket},
		"version":                            {anyone, 0, 0, f.getVersion},
		"status":                             {anyone, 0, 0, f.selfStatus},
	}}
}

// selfStatus is what every module of KBase answers of itself.
func (f *Facade) selfStatus(context.Context, *call) (any, error) { return f.self(), nil }

func (f *Facade) self() any {
	return struct {
		State   string `json:"state"`
		Message string `json:"message"`
		Version string `json:"version"`
		GitURL  string `json:"git_url"`
		Commit  string `json:"git_commit_hash"`
	}{State: "OK", Version: f.opts.Version}
}

func (f *Facade) getVersion(context.Context, *call) (any, error) { return f.opts.Version, nil }

// plain answers a GET: what a person or a balancer asks.
func (f *Facade) plain(w http.ResponseWriter, r *http.Request, path string) {
	name, rest, _ := strings.Cut(path, "/")
	a, ok := f.apis[name].(*api)
	if !ok {
		http.Error(w, "nothing is at "+r.URL.Path+"; KBase's services here are "+Prefix+"service_wizard and "+Prefix+"catalog", http.StatusNotFound)
		return
	}
	f.share(w.Header(), r)
	switch {
	case r.Method == http.MethodGet && (rest == "" || rest == "status"):
		writeJSON(w, f.self())
	case r.Method == http.MethodGet && rest == "version":
		writeJSON(w, f.opts.Version)
	default:
		a.write(w, r, &request{}, reply{}, &fault{codeMethod, "Nothing is at " + r.URL.Path})
	}
}

// dynamic finds the service that a call is about.
func (f *Facade) dynamic(ctx context.Context, w which) (entry, service.Version, error) {
	e, err := f.find(ctx, named{Module: w.Module})
	if err != nil {
		return e, service.Version{}, err
	}
	v, err := e.resolve(deref(w.Version))
	if err == nil && !dynamic(v) {
		err = refusal("Specified module is not marked as a dynamic service. (%s-%s)", e.Name, hash(v))
	}
	return e, v, err
}

// asked finds what a call is about: a version, or a core service, of which its
// status says all there is.
func (f *Facade) asked(ctx context.Context, c *call) (e entry, v service.Version, core *Status, err error) {
	w, err := argument[which](c, 0)
	if err != nil {
		return e, v, nil, err
	}
	e, v, err = f.dynamic(ctx, w)
	if err == errNoModule { //nolint:errorlint // the very value
		if s, ok := f.core(ctx, w); ok {
			return e, v, &s, nil
		}
	}
	return e, v, nil, err
}

// getStatus starts a service that is not up, and says where it is. A start that
// takes longer than clients like to wait goes on: the URL is right, and the gateway
// holds the first call until an instance answers.
func (f *Facade) getStatus(ctx context.Context, c *call) (any, error) {
	e, v, core, err := f.asked(ctx, c)
	if core != nil || err != nil {
		return core, err
	}
	if f.Gateway.Load(v.ID).Phase == service.Stopped && owns(c.caller, e.Module) && c.method == "ServiceWizard.start" {
		if err := f.Engine.Start(ctx, v.ID, who(c.caller)); err != nil {
			return nil, refusal("Unable to start service: Error was: \n%v", err)
		}
	}
	waiting, cancel := context.WithTimeout(ctx, f.opts.StartWait)
	defer cancel()
	err = f.Gateway.Await(waiting, v.ID)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, refusal("Unable to start service: Error was: \n%v", err)
	}
	status := f.status(&e, v, f.state(ctx, v.ID))
	if err != nil && status.Up == 0 {
		status.Status, status.Health = "starting", "starting"
	}
	return status, nil
}

// peek says where a service is and leaves it as it is.
func (f *Facade) peek(ctx context.Context, c *call) (any, error) {
	e, v, core, err := f.asked(ctx, c)
	if core != nil || err != nil {
		return core, err
	}
	return f.status(&e, v, f.state(ctx, v.ID)), nil
}

// state is what the cluster says of a service; a cluster that does not answer now
// says nothing, and the gateway's word has to do.
func (f *Facade) state(ctx context.Context, id service.ID) service.State {
	st, err := f.Cluster.State(ctx, id)
	if err != nil {
		return service.State{ID: id}
	}
	return st
}

// stop brings a service to zero. The next lookup or call starts it again: who wants
// it to stay down stops it with dynsvc.
func (f *Facade) stop(ctx context.Context, c *call) (any, error) {
	e, v, core, err := f.asked(ctx, c)
	if core != nil {
		return nil, refusal("%s runs at %s and is not dynsvc's to stop", core.Module, core.URL)
	}
	if err != nil {
		return nil, err
	}
	if !owns(c.caller, e.Module) {
		return nil, refusal("Only admins or module owners can stop dynamic services")
	}
	if err := f.Engine.Scale(ctx, v.ID, 0, who(c.caller)); err != nil {
		return nil, fmt.Errorf("stop %s: %w", v.ID, err)
	}
	return f.status(&e, v, f.state(ctx, v.ID)), nil
}

// listStatus tells of every version that is registered, and of what runs without
// being registered.
func (f *Facade) listStatus(ctx context.Context, c *call) (any, error) {
	filter, err := argument[struct {
		Up      *truth   `json:"is_up"`
		Modules []string `json:"module_names"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, name := range filter.Modules {
		wanted[service.ModuleKey(strings.TrimSpace(name))] = true
	}
	states, _ := f.Cluster.States()
	left := make(map[service.ID]service.State, len(states))
	for _, st := range states {
		left[st.ID] = st
	}
	all := []Status{}
	add := func(s Status) {
		if filter.Up == nil || bool(*filter.Up) == (s.Up == 1) {
			all = append(all, s)
		}
	}
	err = f.each(ctx, func(e entry) error {
		for _, v := range e.Versions {
			st := left[v.ID]
			delete(left, v.ID)
			if dynamic(v) && (len(wanted) == 0 || wanted[service.ModuleKey(e.Name)]) {
				add(f.status(&e, v, st))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, st := range states {
		if _, unknown := left[st.ID]; unknown && st.Registered && len(wanted) == 0 {
			add(f.unregistered(st))
		}
	}
	slices.SortStableFunc(all, func(a, b Status) int {
		return strings.Compare(service.ModuleKey(a.Module), service.ModuleKey(b.Module))
	})
	return all, nil
}
