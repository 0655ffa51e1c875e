package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
)

const (
	idleTotal       = 1024
	idlePerHost     = 256
	dialTimeout     = time.Second
	meshDialTimeout = 3 * time.Second // a handshake through two proxies more
	headerLimit     = 1 << 20         // bytes of a service's header
)

// dialError is a connection that could not be made: nothing was written.
type dialError = upstream.DialError

// conns is the idle connections to one endpoint.
type conns struct {
	*upstream.Pool
	made uint64 // under which certificates
}

// pool returns the connections to an endpoint. In the mesh they are those that
// were made under the certificates of now.
func (m *machine) pool(e *endpoint) *upstream.Pool {
	now := m.generation(e)
	old := e.conns.Load()
	if old != nil && old.made == now {
		return old.Pool
	}
	made := &conns{m.g.client.Pool(func(ctx context.Context) (net.Conn, error) { return m.dial(ctx, e) }), now}
	if !e.conns.CompareAndSwap(old, made) {
		return m.pool(e) // another call was faster
	}
	if old != nil {
		old.Close()
	}
	return made.Pool
}

// generation is that of the certificates under which an endpoint is connected to.
func (m *machine) generation(e *endpoint) uint64 {
	if e.mesh && m.g.opts.MeshChanged != nil {
		return m.g.opts.MeshChanged()
	}
	return 0
}

// drop closes an endpoint's idle connections. Calls in flight keep theirs, which
// are closed after them.
func (e *endpoint) drop() {
	if old := e.conns.Swap(nil); old != nil {
		old.Close()
	}
	if old := e.bridged.Swap(nil); old != nil {
		old.CloseIdleConnections()
	}
}

// dial connects to an endpoint.
func (m *machine) dial(ctx context.Context, e *endpoint) (net.Conn, error) {
	if !e.mesh {
		dialer := net.Dialer{Timeout: dialTimeout}
		return dialer.DialContext(ctx, "tcp", e.addr)
	}
	if m.g.opts.DialMesh == nil {
		return nil, errors.New("the endpoint is in a mesh and the gateway is not")
	}
	ctx, cancel := context.WithTimeout(ctx, meshDialTimeout)
	defer cancel()
	return m.g.opts.DialMesh(ctx, m.id, e.addr)
}

// callKey finds the call that a connection is for, in the context of a dial.
type callKey struct{}

// newUpgrader returns the transport for calls that turn into something that is
// not HTTP. Each has a connection of its own, to the endpoint that the call has
// a lease of.
func newUpgrader() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c := ctx.Value(callKey{}).(*call)
			conn, err := c.lease.m.dial(ctx, c.lease.e)
			if err != nil {
				return nil, &dialError{Err: err}
			}
			return conn, nil
		},
		DisableCompression:     true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: headerLimit,
	}
}
