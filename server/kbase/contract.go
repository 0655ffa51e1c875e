package kbase

import (
	"context"
	"strconv"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Environment is what KBase's modules are told of the system around them.
type Environment struct {
	Endpoint      string // base of the services, e.g. https://kbase.us/services
	AuthURL       string // of the legacy log-in that modules check tokens with; empty: they are not told
	AllowInsecure bool   // they may do so over plain HTTP
}

// parameterPrefix begins the variables in which a module finds its parameters.
const parameterPrefix = "KBASE_SECURE_CONFIG_PARAM_"

// Prepare adds to a version of a KBase module what KBase's wizard gives to its
// container, what admins have set for it, and what the operator lets it have. It
// is called for each deployment; nothing of it is stored with the version.
func (f *Facade) Prepare(ctx context.Context, v service.Version) (service.Version, error) {
	if !v.KBase() {
		return v, nil
	}
	env := f.opts.Environment
	given := &service.Given{KBase: true, Env: map[string]string{
		"KBASE_ENDPOINT":                  env.Endpoint,
		"AUTH_SERVICE_URL_ALLOW_INSECURE": strconv.FormatBool(env.AllowInsecure),
	}}
	if env.AuthURL != "" {
		given.Env["AUTH_SERVICE_URL"] = env.AuthURL
	}
	key := service.ModuleKey(v.Module)
	mounts, err := f.Store.Mounts(ctx, store.MountConfig{Module: key, Function: asService, Group: asService})
	if err != nil {
		return v, err
	}
	if len(mounts) > 0 {
		if given.Volumes, err = f.volumes(mounts[0]); err != nil {
			return v, err
		}
	}
	groups, err := f.Store.Groups(ctx, key, asService)
	if err != nil {
		return v, err
	}
	if len(groups) > 0 {
		given.Classes = f.classes(groups[0].Groups)
	}
	if f.opts.Inline {
		values, err := f.Vault.Secrets(ctx, ServicePath(v.ID))
		if err != nil {
			return v, err
		}
		for name, value := range values {
			given.Env[parameterPrefix+name] = value
		}
	}
	v.Given = given
	return v, nil
}
