package server

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

// Submitted is what a cluster runs a service from.
type Submitted struct {
	Digest string `json:"digest" doc:"of the jobspec; the same stands in the job's meta as dynsvc_spec"`
	HCL    string `json:"hcl,omitempty" doc:"the text; empty where the cluster has forgotten it"`
}

func (a *api) submitted(ctx context.Context, in *ServiceRef) (*body[Submitted], error) {
	if err := a.mayChange(ctx, in.ID); err != nil {
		return nil, err
	}
	job, err := a.Source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Submitted]{Submitted{Digest: job.Digest, HCL: job.HCL}}, nil
}

// noSource stands in where nobody knows.
func noSource(_ context.Context, id service.ID) (service.Job, error) {
	return service.Job{}, service.Errorf(service.ErrNotFound, "no cluster keeps a jobspec of %s", id)
}
