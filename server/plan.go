package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// Plan is what a registration would come to.
type Plan struct {
	Version service.Version `json:"version" doc:"as it would be registered, or is already"`
	New     bool            `json:"new" doc:"false: these files are registered already, and the tag would move"`
	Tag     string          `json:"tag" doc:"what would mean the version"`
	Notices []string        `json:"notices,omitempty" doc:"what the author should know, one sentence each"`
	Jobspec string          `json:"jobspec,omitempty" doc:"the Nomad job that it would run as; absent where there is no Nomad"`
}

func (a *api) plans() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "plan", Method: http.MethodPost, Path: "/api/v1/plan",
		Summary:     "What a registration would come to, or why it would be refused; nothing is stored",
		RequestBody: archiveBody(),
	}), a.plan)
}

func (a *api) plan(ctx context.Context, in *upload) (*body[Plan], error) {
	v, isNew, notices, err := a.Catalog.Plan(ctx, catalog.Upload{Archive: in.archive, Tag: in.Tag, Commit: in.Commit, By: service.CallerOf(ctx)})
	if err != nil {
		return nil, err
	}
	p := Plan{Version: v, New: isNew, Tag: in.Tag, Notices: notices}
	job, err := a.Render(ctx, v)
	if err != nil && !errors.Is(err, service.ErrNotFound) {
		return nil, err
	}
	p.Jobspec = job.HCL
	return &body[Plan]{p}, nil
}
