package catalog

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

// AddOwner makes a user an owner of a module. Registrations add the owners that
// their manifest names too; nothing but RemoveOwner takes one away.
func (c *Catalog) AddOwner(ctx context.Context, module, user string, by service.Caller) (service.Module, error) {
	if !service.ValidOwner(user) {
		return service.Module{}, service.Errorf(service.ErrInvalid, "%q is not the name of a user", user)
	}
	return c.own(ctx, module, by, func(m service.Module) error {
		return c.db.AddOwner(ctx, m.Name, user, by.Who())
	})
}

// RemoveOwner ends a user's ownership of a module. The last owner is for an admin to
// remove: nobody else could name another.
func (c *Catalog) RemoveOwner(ctx context.Context, module, user string, by service.Caller) (service.Module, error) {
	return c.own(ctx, module, by, func(m service.Module) error {
		if len(m.Owners) == 1 && m.Owners[0] == user && !by.IsAdmin() {
			return service.Errorf(service.ErrConflict, "%s is the only owner of %s: add another one first, or ask an admin", user, m.Name)
		}
		return c.db.RemoveOwner(ctx, m.Name, user, by.Who())
	})
}

// own changes who owns a module, if by may, and has the listener know.
func (c *Catalog) own(ctx context.Context, module string, by service.Caller, change func(service.Module) error) (service.Module, error) {
	c.owners.Lock() // else two owners could remove each other at once
	defer c.owners.Unlock()
	m, err := c.db.Module(ctx, module)
	if err != nil {
		return m, err
	}
	if err := m.MayChange(by); err != nil {
		return m, err
	}
	if err := change(m); err != nil {
		return m, err
	}
	c.log.Info("changed owners", "module", m.Name)
	if err := c.tell(ctx, m.Name); err != nil {
		return m, err
	}
	return c.db.Module(ctx, m.Name)
}
