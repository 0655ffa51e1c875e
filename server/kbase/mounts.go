package kbase

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// asService is the function and the client group under which KBase keeps what a
// module is given as a service.
const asService = "service"

// Volume is what an operator lets admins mount.
type Volume struct {
	Source   string // name of the Nomad host volume
	ReadOnly bool   // never writable
}

// mountConfig is KBase's VolumeMountConfig.
type mountConfig struct {
	Module   *string `json:"module_name"`
	Function *string `json:"function_name"`
	Group    *string `json:"client_group"`
	Mounts   []mount `json:"volume_mounts"`
}

type mount struct {
	Host      string `json:"host_dir"`
	Container string `json:"container_dir"`
	ReadOnly  truth  `json:"read_only"`
}

func (m *mountConfig) stored() store.MountConfig {
	c := store.MountConfig{Module: service.ModuleKey(deref(m.Module)), Function: deref(m.Function), Group: deref(m.Group)}
	for _, x := range m.Mounts {
		c.Mounts = append(c.Mounts, store.Mount{Host: x.Host, Container: x.Container, ReadOnly: bool(x.ReadOnly)})
	}
	return c
}

// setMounts is set_volume_mount. What a service is given must be one of the
// operator's volumes; what jobs elsewhere are given is theirs to check.
func (f *Facade) setMounts(ctx context.Context, c *call) (any, error) {
	in, err := argument[mountConfig](c, 0)
	if err != nil {
		return nil, err
	}
	config := in.stored()
	if config.Module == "" || config.Function == "" || config.Group == "" || len(config.Mounts) == 0 {
		return nil, refusal("Missing required fields: module_name, function_name, client_group and volume_mounts")
	}
	if config.Function == asService {
		if _, err := f.volumes(config); err != nil {
			return nil, err
		}
	}
	if err := f.Store.SetMounts(ctx, config, who(c.caller)); err != nil {
		return nil, err
	}
	return nothing{}, f.again(ctx, config.Module, config.Function)
}

// removeMounts is remove_volume_mount.
func (f *Facade) removeMounts(ctx context.Context, c *call) (any, error) {
	in, err := argument[mountConfig](c, 0)
	if err != nil {
		return nil, err
	}
	config := in.stored()
	config.Mounts = nil
	if err := f.Store.SetMounts(ctx, config, who(c.caller)); err != nil {
		return nil, err
	}
	return nothing{}, f.again(ctx, config.Module, config.Function)
}

// listMounts is list_volume_mounts.
func (f *Facade) listMounts(ctx context.Context, c *call) (any, error) {
	in, err := argument[mountConfig](c, 0)
	if err != nil {
		return nil, err
	}
	configs, err := f.Store.Mounts(ctx, in.stored())
	all := []mountConfig{}
	for _, x := range configs {
		m := mountConfig{Module: &x.Module, Function: &x.Function, Group: &x.Group, Mounts: []mount{}}
		for _, y := range x.Mounts {
			m.Mounts = append(m.Mounts, mount{y.Host, y.Container, truth(y.ReadOnly)})
		}
		all = append(all, m)
	}
	return all, err
}

// volumes are a configuration's mounts as an instance gets them.
func (f *Facade) volumes(c store.MountConfig) ([]service.Volume, error) {
	var all []service.Volume
	for _, m := range c.Mounts {
		host := strings.TrimSuffix(m.Host, "/")
		v, ok := f.opts.Volumes[host]
		switch {
		case !ok:
			return nil, refusal("The folder %q cannot be mounted: the operator offers %s", m.Host, f.offered())
		case v.ReadOnly && !m.ReadOnly:
			return nil, refusal("The folder %q can only be mounted read-only: set read_only to 1", m.Host)
		case !strings.HasPrefix(m.Container, "/"):
			return nil, refusal("container_dir must begin with /, not %q", m.Container)
		}
		all = append(all, service.Volume{Source: v.Source, Target: m.Container, ReadOnly: m.ReadOnly})
	}
	return all, nil
}

func (f *Facade) offered() string {
	if len(f.opts.Volumes) == 0 {
		return "none: a volume block in the kbase block of the configuration names one"
	}
	return strings.Join(slices.Sorted(maps.Keys(f.opts.Volumes)), ", ")
}

// again submits a module's versions after what they are given was changed.
func (f *Facade) again(ctx context.Context, module, function string) error {
	if function != asService {
		return nil
	}
	return f.given(ctx, module, func(_ *entry, v service.Version) error {
		if err := f.Deploy(ctx, v); err != nil {
			return fmt.Errorf("the change is stored, and %s could not be submitted with it: %w", v.ID, err)
		}
		return nil
	})
}

// given calls do for each version of a module that is given what admins set. A
// module that is not registered has none yet.
func (f *Facade) given(ctx context.Context, module string, do func(*entry, service.Version) error) error {
	e, err := f.find(ctx, named{Module: &module})
	if err == errNoModule { //nolint:errorlint // the very value
		return nil
	}
	if err != nil {
		return err
	}
	for _, v := range e.Versions {
		if !v.KBase() {
			continue
		}
		if err := do(&e, v); err != nil {
			return err
		}
	}
	return nil
}
