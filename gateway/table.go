package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/dynsvc/dynsvc/service"
)

// entry is one module in the routing table. It never changes: Publish puts a
// new one in its place, and with it goes what was resolved from the old.
type entry struct {
	module   service.Module
	targets  map[service.ID]*target
	resolved sync.Map // ref -> *target
	known    atomic.Int32
}

// resolvedLimit bounds the references remembered for a module; further ones are
// resolved each time.
const resolvedLimit = 256

// target is what a URL's module and reference mean.
type target struct {
	module  *service.Module
	version *service.Version
	machine *machine
	dev     bool // it is called by the tag dev
}

// Publish makes a module's versions and tags known, in place of what was known
// of the module before.
func (g *Gateway) Publish(mod service.Module) {
	e := &entry{module: mod, targets: make(map[service.ID]*target, len(mod.Versions))}
	for i := range mod.Versions {
		v := &mod.Versions[i]
		m := g.machine(v.ID)
		m.publish(v)
		e.targets[v.ID] = &target{module: &e.module, version: v, machine: m}
	}
	g.modules.Store(service.ModuleKey(mod.Name), e)
}

// resolve finds what a module and a reference mean.
func (g *Gateway) resolve(module, ref string) (*target, error) {
	found, ok := g.modules.Load(module)
	if !ok {
		found, ok = g.modules.Load(service.ModuleKey(module))
	}
	if !ok {
		return nil, service.Errorf(service.ErrNotFound, "there is no module %q here", module)
	}
	return found.(*entry).resolve(ref)
}

func (e *entry) resolve(ref string) (*target, error) {
	if t, ok := e.resolved.Load(ref); ok {
		return t.(*target), nil
	}
	v, err := service.Resolve(e.module, ref)
	if err != nil {
		return nil, err
	}
	t := e.targets[v.ID]
	if e.byDev(ref) {
		t = &target{version: t.version, machine: t.machine, dev: true}
	}
	if e.known.Add(1) <= resolvedLimit {
		e.resolved.Store(ref, t)
	}
	return t, nil
}

// byDev reports whether it is the tag dev by which a reference means a version.
func (e *entry) byDev(ref string) bool {
	if ref != "" {
		return ref == service.Dev
	}
	_, released := e.module.Tags[service.Release]
	_, beta := e.module.Tags[service.Beta]
	return !released && !beta
}
