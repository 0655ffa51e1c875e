package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// ServicePolicy is what a service's count follows, and what came of it.
type ServicePolicy struct {
	scheduler.Effective
	Last *service.Decision `json:"last,omitempty" doc:"the newest change of the count, with what every strategy asked for"`
}

// NewPolicy is what an admin says of counts.
type NewPolicy struct {
	Rules service.Override `json:"rules" doc:"what is to be other than the manifest says; empty: nothing, again"`
	For   string           `json:"for,omitempty" doc:"how long it is in force, e.g. 2h; empty: until it is replaced"`
	Note  string           `json:"note,omitempty" maxLength:"500" doc:"why"`
}

func (a *api) policies() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-policy", Method: http.MethodGet, Path: "/api/v1/services/{id}/policy", Summary: "What a service's count follows, what that comes to now, and the last decision",
	}), a.policy)
	operation(a, huma.Operation{
		OperationID: "set-service-policy", Method: http.MethodPut, Path: "/api/v1/services/{id}/policy", Summary: "Say something else of a service's count than its manifest",
		BodyReadTimeout: readTimeout,
	}, a.setServicePolicy)
	operation(a, huma.Operation{
		OperationID: "set-module-policy", Method: http.MethodPut, Path: "/api/v1/modules/{module}/policy", Summary: "Say something else of the counts of all versions of a module than their manifests",
		BodyReadTimeout: readTimeout,
	}, a.setModulePolicy)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "list-policies", Method: http.MethodGet, Path: "/api/v1/modules/{module}/policies", Summary: "What admins said of a module's counts, newest first",
	}), a.policyHistory)
}

func (a *api) policy(ctx context.Context, in *ServiceRef) (*body[ServicePolicy], error) {
	var p ServicePolicy
	err := a.known(ctx, in.ID, func() (err error) {
		p.Effective, err = a.Engine.Effective(in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	last, err := a.Store.Decisions(ctx, in.ID, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(last) > 0 {
		p.Last = &last[0]
	}
	return &body[ServicePolicy]{p}, nil
}

func (a *api) setServicePolicy(ctx context.Context, in *struct {
	ServiceRef
	Body NewPolicy
}) (*body[service.Policy], error) {
	v, err := a.Store.Version(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.setPolicy(ctx, service.Policy{Module: v.Module, Service: in.ID}, in.Body)
}

func (a *api) setModulePolicy(ctx context.Context, in *struct {
	ModuleRef
	Body NewPolicy
}) (*body[service.Policy], error) {
	return a.setPolicy(ctx, service.Policy{Module: in.Module}, in.Body)
}

func (a *api) setPolicy(ctx context.Context, p service.Policy, said NewPolicy) (*body[service.Policy], error) {
	p.Rules, p.Note, p.Who = said.Rules, said.Note, who(ctx)
	if said.For != "" {
		d, err := time.ParseDuration(said.For)
		if err != nil || d <= 0 {
			return nil, service.Errorf(service.ErrInvalid, "for must be a duration such as 2h, not %q", said.For)
		}
		p.Until = time.Now().Add(d).UTC().Truncate(time.Millisecond)
	}
	p, err := a.Engine.SetPolicy(ctx, p)
	if err != nil {
		return nil, err
	}
	return &body[service.Policy]{p}, nil
}

func (a *api) policyHistory(ctx context.Context, in *struct {
	ModuleRef
	Before int64 `query:"before" doc:"id of the policy before which the page ends; 0: the newest page"`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"1000"`
}) (*body[[]service.Policy], error) {
	m, err := a.Store.Module(ctx, in.Module)
	if err != nil {
		return nil, err
	}
	if err := m.MayChange(service.CallerOf(ctx)); err != nil {
		return nil, err
	}
	list, err := a.Store.Policies(ctx, in.Module, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[[]service.Policy]{list}, nil
}
