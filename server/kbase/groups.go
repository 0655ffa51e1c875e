package kbase

import (
	"context"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// groupConfig is KBase's client group configuration.
type groupConfig struct {
	Module   *string  `json:"module_name"`
	Function *string  `json:"function_name"`
	Groups   []string `json:"client_groups"`
}

func (f *Facade) putGroups(ctx context.Context, c *call, keep bool) (any, error) {
	in, err := argument[groupConfig](c, 0)
	if err != nil {
		return nil, err
	}
	config := store.GroupConfig{Module: service.ModuleKey(deref(in.Module)), Function: deref(in.Function)}
	if config.Module == "" || config.Function == "" {
		return nil, refusal("Missing required fields: module_name and function_name")
	}
	if keep {
		config.Groups = in.Groups
	}
	if err := f.Store.SetGroups(ctx, config, who(c.caller)); err != nil {
		return nil, err
	}
	return nothing{}, f.again(ctx, config.Module, config.Function)
}

// setGroups is set_client_group_config.
func (f *Facade) setGroups(ctx context.Context, c *call) (any, error) {
	return f.putGroups(ctx, c, true)
}

// removeGroups is remove_client_group_config.
func (f *Facade) removeGroups(ctx context.Context, c *call) (any, error) {
	return f.putGroups(ctx, c, false)
}

// listGroups is list_client_group_configs.
func (f *Facade) listGroups(ctx context.Context, c *call) (any, error) {
	in, err := argument[groupConfig](c, 0)
	if err != nil {
		return nil, err
	}
	configs, err := f.Store.Groups(ctx, service.ModuleKey(deref(in.Module)), deref(in.Function))
	all := []groupConfig{}
	for _, x := range configs {
		all = append(all, groupConfig{Module: &x.Module, Function: &x.Function, Groups: list(x.Groups)})
	}
	return all, err
}

// appGroups is get_client_groups, the older form.
func (f *Facade) appGroups(ctx context.Context, _ *call) (any, error) {
	type groups struct {
		App      string   `json:"app_id"`
		Module   string   `json:"module_name"`
		Function string   `json:"function_name"`
		Groups   []string `json:"client_groups"`
	}
	configs, err := f.Store.Groups(ctx, "", "")
	all := []groups{}
	for _, x := range configs {
		all = append(all, groups{x.Module + "/" + x.Function, x.Module, x.Function, list(x.Groups)})
	}
	return all, err
}

// classes are the node classes that stand for client groups. What else KBase puts
// into such a list (amounts of CPU and memory for jobs) says nothing of a class.
func (f *Facade) classes(groups []string) []string {
	var classes []string
	for _, g := range groups {
		if g = strings.TrimSpace(g); g == "" || strings.ContainsAny(g, `={}"`) {
			continue
		}
		named, ok := f.opts.Groups[g]
		if !ok {
			named = []string{g}
		}
		classes = append(classes, named...)
	}
	slices.Sort(classes)
	return slices.Compact(classes)
}
