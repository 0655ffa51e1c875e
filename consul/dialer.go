package consul

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

const (
	firstWait    = 5 * time.Second // for the first identity
	connectLimit = 5 * time.Second
	shakeLimit   = 5 * time.Second
)

// Dialer opens connections into the mesh as [GatewayName]. Both sides are
// proven in each handshake: ours with the leaf certificate that is current at
// that moment, theirs against the roots of that moment and the exact identity
// of the service that was asked for.
//
// Sessions are not resumed: each connection is a full handshake, so a
// certificate that ran out or a root that was withdrawn ends there. Calls share
// connections, so handshakes are rare.
type Dialer struct {
	name  string
	log   hclog.Logger
	leafs func(*api.QueryOptions) (*api.LeafCert, uint64, error)
	roots func(*api.QueryOptions) (*api.CARootList, uint64, error)

	ready chan struct{} // closed when the first leaf and roots are there

	mu         sync.RWMutex // guards what follows
	leaf       *leaf
	trust      *trust
	generation uint64
	changed    chan struct{} // closed when trust is replaced
	leafErr    error         // last failure to read each; nil when the last read went well
	trustErr   error
}

// Dialer returns a dialer that has no identity until its Run has fetched one.
func (c *Client) Dialer() *Dialer {
	d := &Dialer{
		name:    GatewayName,
		log:     c.log.Named("mesh"),
		ready:   make(chan struct{}),
		changed: make(chan struct{}),
	}
	d.leafs = func(q *api.QueryOptions) (*api.LeafCert, uint64, error) {
		cert, meta, err := c.api.Agent().ConnectCALeaf(d.name, q)
		if err != nil {
			return nil, 0, c.explain("get a certificate for "+d.name, err)
		}
		return cert, meta.LastIndex, nil
	}
	d.roots = func(q *api.QueryOptions) (*api.CARootList, uint64, error) {
		list, meta, err := c.api.Agent().ConnectCARoots(q)
		if err != nil {
			return nil, 0, c.explain("get the roots of the mesh", err)
		}
		return list, meta.LastIndex, nil
	}
	return d
}

// DialContext connects to an instance of the service through its sidecar at
// addr. After an error nothing was sent that the service could have seen.
//
// A sidecar that refuses us may do so only after our first bytes: with TLS 1.3
// the client's part of the handshake ends before the server has judged it.
func (d *Dialer) DialContext(ctx context.Context, id service.ID, addr string) (net.Conn, error) {
	if err := d.await(ctx); err != nil {
		return nil, fmt.Errorf("dial %s at %s: %w", id, addr, err)
	}
	raw, err := (&net.Dialer{Timeout: connectLimit}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, service.Errorf(service.ErrUnavailable, "dial %s: %w", id, err)
	}
	conn := tls.Client(raw, d.config(id))
	ctx, cancel := context.WithTimeout(ctx, shakeLimit)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error is the one to tell
		return nil, refusal(id, addr, err)
	}
	return conn, nil
}

// await returns at once when there is an identity, which is nearly always.
func (d *Dialer) await(ctx context.Context) error {
	select {
	case <-d.ready:
	default:
		wait, cancel := context.WithTimeout(ctx, firstWait)
		defer cancel()
		if err := d.Ready(wait); err != nil {
			return err
		}
	}
	if expires := d.Expiry(); time.Now().After(expires) {
		return d.Health(time.Now())
	}
	return nil
}

// config is for one handshake with an instance of one service. What is current
// is looked up when the handshake needs it, not when it begins.
func (d *Dialer) config(id service.ID) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			d.mu.RLock()
			defer d.mu.RUnlock()
			return d.leaf.cert, nil
		},
		// The library would compare host names, which a mesh certificate does not
		// have. VerifyConnection does the whole check; unlike
		// VerifyPeerCertificate it also runs when a session is resumed.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			d.mu.RLock()
			t, scope := d.trust, d.leaf.scope
			d.mu.RUnlock()
			want := "spiffe://" + t.domain + scope + string(id)
			return t.verify(state.PeerCertificates, want, time.Now())
		},
	}
}

// refusal says in words what a failed handshake means here.
func refusal(id service.ID, addr string, err error) error {
	var noTLS tls.RecordHeaderError
	var far *net.OpError
	switch {
	case errors.Is(err, service.ErrDenied):
		return fmt.Errorf("dial %s at %s: %w", id, addr, err)
	case errors.As(err, &noTLS):
		return service.Errorf(service.ErrUnavailable, "dial %s at %s: no sidecar answers there: it does not speak TLS: %w", id, addr, err)
	case errors.As(err, &far) && far.Op == "remote error": // an alert that the other side sent
		return service.Errorf(service.ErrDenied, "dial %s at %s: its sidecar refused us: %w", id, addr, err)
	}
	return service.Errorf(service.ErrUnavailable, "dial %s at %s: TLS handshake: %w", id, addr, err)
}
