package main

import (
	"context"
	"net/http"

	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
)

// kbaseSetup turns KBase's services on.
type kbaseSetup struct {
	options kbase.Options
	vault   vault
	auth    http.Handler // stands in for KBase's auth service; nil: nothing does
}

// vault keeps secrets: the cluster's variables, or a file.
type vault interface {
	Secrets(ctx context.Context, path string) (map[string]string, error)
	SetSecrets(ctx context.Context, path string, values map[string]string) error
}

// kbaseDeployer gives versions of KBase modules what their containers expect.
type kbaseDeployer struct {
	deployer
	facade *kbase.Facade
}

func (d *kbaseDeployer) Check(ctx context.Context, v service.Version) ([]string, error) {
	v, err := d.facade.Prepare(ctx, v)
	if err != nil {
		return nil, err
	}
	return d.deployer.Check(ctx, v)
}

func (d *kbaseDeployer) Deploy(ctx context.Context, v service.Version) error {
	v, err := d.facade.Prepare(ctx, v)
	if err != nil {
		return err
	}
	return d.deployer.Deploy(ctx, v)
}

func (d *kbaseDeployer) Render(ctx context.Context, v service.Version) (service.Job, error) {
	v, err := d.facade.Prepare(ctx, v)
	if err != nil {
		return service.Job{}, err
	}
	return d.deployer.Render(ctx, v)
}

// openKBase wires KBase's services in; without a set-up there are none.
func (st *stack) openKBase(callers kbaseCallers) {
	if st.kbase == nil {
		return
	}
	st.facade = kbase.New(kbase.Parts{
		Store: st.db, Catalog: st.catalog, Gateway: st.gateway, Engine: st.engine, Cluster: st.checks,
		Builds: &kbaseBuilds{registrar: st.git, db: st.db},
		Users:  callers, Vault: st.kbase.vault, Auth: st.kbase.auth, Deploy: func(ctx context.Context, v service.Version) error { return st.deploy.Deploy(ctx, v) },
	}, st.log.Named("kbase"), st.kbase.options)
	st.deploy = &kbaseDeployer{deployer: st.deploy, facade: st.facade}
}

// kbaseCallers says who sent an Authorization header.
type kbaseCallers interface {
	Authenticate(ctx context.Context, authorization string) (service.Caller, error)
}
