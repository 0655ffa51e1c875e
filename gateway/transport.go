package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	idleTotal       = 1024
	idlePerHost     = 256
	dialTimeout     = time.Second
	meshDialTimeout = 3 * time.Second // a handshake through two proxies more
	headerLimit     = 1 << 20         // bytes of a service's header
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// newTransport returns a pool of connections. Its idle timeout must be below
// that of the servers behind it: a server that closes a connection just as it
// is used again loses a call that may not be sent twice.
func newTransport(dial dialFunc, idle time.Duration) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, &dialError{err}
			}
			return &link{Conn: conn}, nil
		},
		DisableCompression:     true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: headerLimit,
	}
}

func dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, network, addr)
}

// meshPool is the connections to one service through the mesh. Each service has
// its own, because each expects another identity at the other end.
type meshPool struct {
	current atomic.Pointer[meshTransport]
}

type meshTransport struct {
	*http.Transport
	made uint64 // under which certificates
}

// transport returns the pool that reaches an endpoint.
func (m *machine) transport(e *endpoint) *http.Transport {
	if !e.mesh {
		return m.g.plain
	}
	var now uint64
	if m.g.opts.MeshChanged != nil {
		now = m.g.opts.MeshChanged()
	}
	old := m.mesh.current.Load()
	if old != nil && old.made == now {
		return old.Transport
	}
	made := &meshTransport{newTransport(m.dialMesh, m.g.opts.IdleTimeout), now}
	if !m.mesh.current.CompareAndSwap(old, made) {
		return m.transport(e) // another call was faster
	}
	if old != nil {
		old.CloseIdleConnections()
	}
	return made.Transport
}

func (m *machine) dialMesh(ctx context.Context, _, addr string) (net.Conn, error) {
	if m.g.opts.DialMesh == nil {
		return nil, errors.New("the endpoint is in a mesh and the gateway is not")
	}
	ctx, cancel := context.WithTimeout(ctx, meshDialTimeout)
	defer cancel()
	return m.g.opts.DialMesh(ctx, m.id, addr)
}

// drop closes the pool. Calls in flight keep their connections, which are
// closed after them.
func (p *meshPool) drop() {
	if t := p.current.Swap(nil); t != nil {
		t.CloseIdleConnections()
	}
}
