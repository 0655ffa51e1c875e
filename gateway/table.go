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
	tags     map[string]*meaning
	resolved sync.Map // ref -> *meaning
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
// of the module before. It must not be called for one module by two at once.
func (g *Gateway) Publish(mod service.Module) {
	e := &entry{module: mod, targets: make(map[service.ID]*target, len(mod.Versions))}
	for i := range mod.Versions {
		v := &mod.Versions[i]
		m := g.machine(v.ID)
		m.publish(v)
		e.targets[v.ID] = &target{module: &e.module, version: v, machine: m}
	}
	key := service.ModuleKey(mod.Name)
	var before *entry
	if known, ok := g.modules.Load(key); ok {
		before = known.(*entry)
	}
	e.means(before)
	g.modules.Store(key, e)
}

// resolve finds what a module and a reference mean.
func (g *Gateway) resolve(module, ref string) (*meaning, error) {
	found, ok := g.modules.Load(module)
	if !ok {
		found, ok = g.modules.Load(service.ModuleKey(module))
	}
	if !ok {
		return nil, service.Errorf(service.ErrNotFound, "there is no module %q here", module)
	}
	return found.(*entry).resolve(ref)
}

func (e *entry) resolve(ref string) (*meaning, error) {
	if n, ok := e.resolved.Load(ref); ok {
		return n.(*meaning), nil
	}
	v, err := service.Resolve(e.module, ref)
	if err != nil {
		return nil, err
	}
	n := e.tags[e.module.TagOf(ref)]
	if n == nil {
		n = &meaning{to: e.targets[v.ID]}
	}
	if e.known.Add(1) <= resolvedLimit {
		e.resolved.Store(ref, n)
	}
	return n, nil
}
