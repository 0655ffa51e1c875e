package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/service"
)

// Status is one service as it runs now.
type Status struct {
	ID      service.ID    `json:"id"`
	Module  string        `json:"module"`
	Version string        `json:"version"`
	Tags    []string      `json:"tags,omitempty"`
	Default bool          `json:"default,omitempty" doc:"what a call without a version reaches"`
	Phase   service.Phase `json:"phase"`
	Count   int           `json:"count" doc:"desired instances"`
	Ready   int           `json:"ready" doc:"instances that answer"`
	Load    service.Load  `json:"load"`
	Failure string        `json:"failure,omitempty" doc:"why instances are missing"`
	Fresh   bool          `json:"fresh" doc:"false while the cluster has not been heard for a while; counts are then the last known"`
}

// Detail is all that is known of one service.
type Detail struct {
	Status
	Definition service.Version    `json:"definition"`
	State      service.State      `json:"state"`
	Usage      Usage              `json:"usage"`
	Decisions  []service.Decision `json:"decisions" doc:"newest first"`
	Explain    []string           `json:"explain,omitempty" doc:"what the cluster says about it, line by line"`
}

// ServiceRef is the service that an operation is about.
type ServiceRef struct {
	ID service.ID `path:"id"`
}

func (a *api) services() {
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "list-services", Method: http.MethodGet, Path: "/api/v1/services", Summary: "All services with their counts and load",
	}), a.listServices)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-service", Method: http.MethodGet, Path: "/api/v1/services/{id}", Summary: "One service with its instances, last decisions and what the cluster says",
	}), a.service)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "start-service", Method: http.MethodPost, Path: "/api/v1/services/{id}/start", Summary: "Start an instance now; undoes a stop",
	}), a.start)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "stop-service", Method: http.MethodPost, Path: "/api/v1/services/{id}/stop", Summary: "Stop it and refuse calls until it is started again",
	}), a.stop)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "scale-service", Method: http.MethodPost, Path: "/api/v1/services/{id}/scale", Summary: "Set the count and hold it for a while",
		BodyReadTimeout: readTimeout,
	}), a.scale)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "list-decisions", Method: http.MethodGet, Path: "/api/v1/services/{id}/decisions", Summary: "Changes of the count with their reasons, newest first",
	}), a.decisions)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-logs", Method: http.MethodGet, Path: "/api/v1/services/{id}/logs", Summary: "What the instances printed, one JSON object a line",
	}), a.logs)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-submitted-jobspec", Method: http.MethodGet, Path: "/api/v1/services/{id}/jobspec", Summary: "The jobspec that the cluster runs the service from",
	}), a.submitted)
	operation(a, huma.Operation{
		OperationID: "list-nodes", Method: http.MethodGet, Path: "/api/v1/nodes", Summary: "The machines that services can run on",
	}, a.nodes)
}

// statuses joins what the catalog, the cluster and the gateway know of all services
// that who asks may see, by module and version, newest registration first.
func (a *api) statuses(ctx context.Context) ([]Status, error) {
	states, fresh := a.Cluster.States()
	byID := make(map[service.ID]service.State, len(states))
	for _, s := range states {
		byID[s.ID] = s
	}
	loads := make(map[service.ID]service.Load)
	for _, l := range a.Loads() {
		loads[l.ID] = l
	}
	all, caller := []Status{}, service.CallerOf(ctx)
	err := a.Store.AllModules(ctx, func(m service.Module) error {
		seen, _ := m.VisibleTo(caller)
		for _, v := range seen.Versions {
			st := status(m, v, byID[v.ID], loads[v.ID], fresh)
			if !caller.Manages(m) { // the program's own words may be in it
				st.Failure, st.Load.Failure = "", nil
			}
			all = append(all, st)
		}
		return nil
	})
	return all, err
}

func status(m service.Module, v service.Version, state service.State, load service.Load, fresh bool) Status {
	s := Status{ID: v.ID, Module: v.Module, Version: v.Version, Phase: load.Phase, Count: state.Count, Ready: load.Ready, Load: load, Fresh: fresh, Tags: m.TagsOf(v.ID)}
	if def, err := service.Resolve(m, ""); err == nil {
		s.Default = def.ID == v.ID
	}
	if s.Phase == "" {
		s.Phase = service.Idle
	}
	// The cluster forgets why a start failed once the count is 0; the gateway, that
	// refuses the calls, knows.
	switch {
	case state.Failure != nil:
		s.Failure = state.Failure.Text
	case load.Failure != nil:
		s.Failure = load.Failure.Text
	}
	return s
}

func (a *api) listServices(ctx context.Context, _ *struct{}) (*body[[]Status], error) {
	all, err := a.statuses(ctx)
	if err != nil {
		return nil, err
	}
	return &body[[]Status]{all}, nil
}

func (a *api) service(ctx context.Context, in *ServiceRef) (*body[Detail], error) {
	v, err := a.Store.Version(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	m, err := a.Store.Module(ctx, v.Module)
	if err != nil {
		return nil, err
	}
	if err := m.MayChange(service.CallerOf(ctx)); err != nil {
		return nil, err
	}
	d := Detail{Definition: v}
	if d.State, err = a.Cluster.State(ctx, in.ID); err != nil {
		return nil, err
	}
	var load service.Load
	for _, l := range a.Loads() {
		if l.ID == in.ID {
			load = l
		}
	}
	d.Status = status(m, v, d.State, load, true) // read just now
	if d.Usage, err = a.usage(ctx, in.ID, time.Now()); err != nil {
		return nil, err
	}
	if d.Decisions, err = a.Store.Decisions(ctx, in.ID, 0, shownDecisions); err != nil {
		return nil, err
	}
	if d.Explain, err = a.Cluster.Explain(ctx, in.ID); err != nil {
		return nil, err
	}
	return &body[Detail]{d}, nil
}

// shownDecisions is how many decisions a service's detail carries.
const shownDecisions = 10

func (a *api) start(ctx context.Context, in *ServiceRef) (*struct{}, error) {
	return nil, a.known(ctx, in.ID, func() error { return a.Engine.Start(ctx, in.ID, who(ctx)) })
}

func (a *api) stop(ctx context.Context, in *ServiceRef) (*struct{}, error) {
	return nil, a.known(ctx, in.ID, func() error { return a.Engine.Stop(ctx, in.ID, who(ctx)) })
}

func (a *api) scale(ctx context.Context, in *struct {
	ServiceRef
	Body struct {
		Count int `json:"count" minimum:"0"`
	}
}) (*struct{}, error) {
	return nil, a.known(ctx, in.ID, func() error { return a.Engine.Scale(ctx, in.ID, in.Body.Count, who(ctx)) })
}

// known does something to a registered service that who asks may change.
func (a *api) known(ctx context.Context, id service.ID, do func() error) error {
	if err := a.mayChange(ctx, id); err != nil {
		return err
	}
	return do()
}

func (a *api) decisions(ctx context.Context, in *struct {
	ServiceRef
	Before int64 `query:"before" doc:"id of the decision before which the page ends; 0: the newest page"`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"1000"`
}) (*body[[]service.Decision], error) {
	if err := a.mayChange(ctx, in.ID); err != nil {
		return nil, err
	}
	decisions, err := a.Store.Decisions(ctx, in.ID, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[[]service.Decision]{decisions}, nil
}

func (a *api) nodes(ctx context.Context, _ *struct{}) (*body[[]service.Node], error) {
	nodes, err := a.Cluster.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &body[[]service.Node]{nodes}, nil
}
