package gateway

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

// Await brings a service up as a call would, and returns when an instance takes
// calls. The error says why none does; when ctx ends first it is ctx's own, and
// the start goes on.
func (g *Gateway) Await(ctx context.Context, id service.ID) error {
	m := g.machine(id)
	if m.load().Ready > 0 {
		m.touch() // who asks means to call
		return nil
	}
	l, err := m.acquire(ctx, 0, 0, m.meters.of(""))
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	l.release()
	return nil
}

// Load tells what the gateway sees of one service.
func (g *Gateway) Load(id service.ID) service.Load { return g.machine(id).load() }
