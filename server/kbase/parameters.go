package kbase

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/dynsvc/dynsvc/service"
)

// vault keeps secrets: Nomad's variables, or a file on one laptop.
type vault interface {
	// Secrets returns what is kept at a path; nothing: an empty map.
	Secrets(ctx context.Context, path string) (map[string]string, error)
	// SetSecrets replaces what is kept at a path; an empty map removes it.
	SetSecrets(ctx context.Context, path string, values map[string]string) error
}

// parameter is KBase's SecureConfigParameter.
type parameter struct {
	Module   string `json:"module_name"`
	Version  string `json:"version"` // empty: any; else a hash, semver or tag
	Name     string `json:"param_name"`
	Password truth  `json:"is_password"`
	Value    string `json:"param_value"`
}

// parameterName is what can be the end of a variable's name.
var parameterName = regexp.MustCompile(`^[A-Za-z0-9_]{1,100}$`)

// All parameters of a module are kept in one place, from which each service is
// dealt those that hold for its version, where its instances alone can read them.
func parametersPath(module string) string { return "dynsvc/kbase/" + service.ModuleKey(module) }

// ServicePath is where Nomad lets the instances of a service read by themselves.
func ServicePath(id service.ID) string { return "nomad/jobs/" + string(id) }

const parametersKey = "parameters"

// parameters are those of a module. ok is false where there never were any.
func (f *Facade) parameters(ctx context.Context, module string) (all []parameter, ok bool, err error) {
	kept, err := f.Vault.Secrets(ctx, parametersPath(module))
	if err != nil {
		return nil, false, err
	}
	text, ok := kept[parametersKey]
	if !ok {
		return nil, false, nil
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, false, fmt.Errorf("read the parameters of %s: %w", module, err)
	}
	return all, true, nil
}

// changeParameters changes those of each module that the first argument names.
func (f *Facade) changeParameters(ctx context.Context, c *call, change func(all []parameter, p parameter) []parameter) (any, error) {
	in, err := argument[struct {
		Data []parameter `json:"data"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	byModule := map[string][]parameter{}
	for _, p := range in.Data {
		if !service.ValidModuleName(p.Module) || !parameterName.MatchString(p.Name) {
			return nil, refusal("A parameter needs module_name and param_name, of letters, digits and underscores: %q, %q", p.Module, p.Name)
		}
		key := service.ModuleKey(p.Module)
		byModule[key] = append(byModule[key], p)
	}
	for _, module := range slices.Sorted(maps.Keys(byModule)) {
		if err := f.changeModule(ctx, module, byModule[module], change); err != nil {
			return nil, err
		}
		if err := f.deal(ctx, module); err != nil {
			return nil, err
		}
	}
	return nothing{}, nil
}

func (f *Facade) changeModule(ctx context.Context, module string, data []parameter, change func([]parameter, parameter) []parameter) error {
	f.vaulted.Lock()
	defer f.vaulted.Unlock()
	all, _, err := f.parameters(ctx, module)
	if err != nil {
		return err
	}
	for _, p := range data {
		all = change(slices.DeleteFunc(all, func(q parameter) bool { return q.Name == p.Name && q.Version == p.Version }), p)
	}
	if all == nil {
		all = []parameter{}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return f.Vault.SetSecrets(ctx, parametersPath(module), map[string]string{parametersKey: string(text)})
}

// setParameters is set_secure_config_params.
func (f *Facade) setParameters(ctx context.Context, c *call) (any, error) {
	return f.changeParameters(ctx, c, func(all []parameter, p parameter) []parameter { return append(all, p) })
}

// removeParameters is remove_secure_config_params.
func (f *Facade) removeParameters(ctx context.Context, c *call) (any, error) {
	return f.changeParameters(ctx, c, func(all []parameter, _ parameter) []parameter { return all })
}

// getParameters is get_secure_config_params.
func (f *Facade) getParameters(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Module  *string `json:"module_name"`
		Version *string `json:"version"`
		All     truth   `json:"load_all_versions"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	if deref(in.Module) == "" {
		return nil, errUnnamed
	}
	all, _, err := f.parameters(ctx, deref(in.Module))
	if err != nil {
		return nil, err
	}
	if in.All {
		return append([]parameter{}, all...), nil
	}
	e, err := f.find(ctx, named{Module: in.Module})
	if err != nil {
		return nil, err
	}
	v, err := e.resolve(deref(in.Version))
	if err != nil {
		return nil, err
	}
	return e.holding(all, v), nil
}

// holding are the parameters that hold for a version: one that is bound to it goes
// before one of the same name for any.
func (e *entry) holding(all []parameter, v service.Version) []parameter {
	hold := map[string]parameter{}
	for _, p := range all {
		if p.Version != "" {
			if bound, err := e.resolve(p.Version); err != nil || bound.ID != v.ID {
				continue
			}
		} else if had, ok := hold[p.Name]; ok && had.Version != "" {
			continue
		}
		hold[p.Name] = p
	}
	list := []parameter{}
	for _, name := range slices.Sorted(maps.Keys(hold)) {
		list = append(list, hold[name])
	}
	return list
}

// deal gives each service of a module the parameters that hold for its version.
// Instances read them when they start.
func (f *Facade) deal(ctx context.Context, module string) error {
	f.vaulted.Lock()
	defer f.vaulted.Unlock()
	all, ok, err := f.parameters(ctx, module)
	if err != nil || !ok {
		return err
	}
	return f.given(ctx, module, func(e *entry, v service.Version) error {
		values := map[string]string{}
		for _, p := range e.holding(all, v) {
			values[p.Name] = p.Value
		}
		have, err := f.Vault.Secrets(ctx, ServicePath(v.ID))
		if err != nil || maps.Equal(have, values) {
			return err
		}
		if err := f.Vault.SetSecrets(ctx, ServicePath(v.ID), values); err != nil || !f.opts.Inline {
			return err
		}
		return f.Deploy(ctx, v)
	})
}
