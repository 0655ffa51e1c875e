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
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
)

const (
	identityWait = time.Minute     // how long Consul may hold back news of leaf and roots
	identityLate = time.Minute     // without a first identity for so long, someone must act
	firstWait    = 5 * time.Second // how long a dial waits for the first identity
	connectLimit = 5 * time.Second
	shakeLimit   = 5 * time.Second
	expiryMargin = time.Hour // less than this left, or a tenth of the certificate's life: renewal has failed
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

// Run keeps the identity current until ctx ends. It never gives up: a token
// that has not reached every server yet, or servers that are away, are asked
// again with a growing pause.
func (d *Dialer) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		w := watch{log: d.log.Named("roots"), wait: identityWait, failed: d.setTrustErr, read: d.readTrust}
		w.run(ctx)
		return nil
	})
	group.Go(func() error {
		w := watch{log: d.log.Named("leaf"), wait: identityWait, failed: d.setLeafErr, read: d.readLeaf}
		w.run(ctx)
		return nil
	})
	group.Go(func() error {
		timer := time.NewTimer(identityLate)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-d.ready:
		case <-timer.C:
			d.log.Error("got no mesh identity", "took", identityLate.String(), "error", d.Health(time.Now()))
		}
		return nil
	})
	return group.Wait()
}

func (d *Dialer) readTrust(q *api.QueryOptions) (uint64, error) {
	list, index, err := d.roots(q)
	if err != nil {
		return 0, err
	}
	t, err := newTrust(list)
	if err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trustErr = nil
	if t.same(d.trust) {
		return index, nil
	}
	if d.trust != nil {
		d.log.Info("replaced the roots of the mesh", "from", len(d.trust.pems), "to", len(t.pems))
		close(d.changed)
		d.changed = make(chan struct{})
	}
	d.trust = t
	d.generation++
	d.settle()
	return index, nil
}

func (d *Dialer) readLeaf(q *api.QueryOptions) (uint64, error) {
	cert, index, err := d.leafs(q)
	if err != nil {
		return 0, err
	}
	l, err := newLeaf(cert, d.name)
	if err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leafErr = nil
	if d.leaf == nil || !d.leaf.cert.Leaf.Equal(l.cert.Leaf) {
		d.log.Info("got a mesh certificate", "service", d.name, "to", l.expires.UTC().Format(time.RFC3339))
	}
	d.leaf = l
	d.settle()
	return index, nil
}

// settle opens the gate once there is something to dial with; d.mu is held.
func (d *Dialer) settle() {
	if d.leaf == nil || d.trust == nil {
		return
	}
	select {
	case <-d.ready:
	default:
		close(d.ready)
	}
}

func (d *Dialer) setTrustErr(err error) { d.mu.Lock(); d.trustErr = err; d.mu.Unlock() }
func (d *Dialer) setLeafErr(err error)  { d.mu.Lock(); d.leafErr = err; d.mu.Unlock() }

// Ready waits for the first identity. When ctx ends before, the error says what
// is in the way.
func (d *Dialer) Ready(ctx context.Context) error {
	select {
	case <-d.ready:
		return nil
	case <-ctx.Done():
		return d.Health(time.Now())
	}
}

// Expiry is when the certificate runs out; zero: there is none yet.
func (d *Dialer) Expiry() time.Time {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.leaf == nil {
		return time.Time{}
	}
	return d.leaf.expires
}

// Health says what is wrong with the identity: there is none, or it is about to
// run out and was not renewed.
func (d *Dialer) Health(now time.Time) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	cause := errors.Join(d.trustErr, d.leafErr)
	if d.leaf == nil || d.trust == nil {
		if cause == nil {
			return service.Errorf(service.ErrUnavailable, "no mesh identity yet: consul has not answered")
		}
		return fmt.Errorf("no mesh identity yet: %w", cause)
	}
	left := d.leaf.expires.Sub(now)
	if left > min(expiryMargin, d.leaf.expires.Sub(d.leaf.issued)/10) {
		return nil
	}
	if cause == nil {
		cause = errors.New("consul did not issue a new one")
	}
	if left <= 0 {
		return service.Errorf(service.ErrUnavailable, "the mesh certificate ran out %s ago: %w", (-left).Round(time.Second), cause)
	}
	return service.Errorf(service.ErrUnavailable, "the mesh certificate runs out in %s: %w", left.Round(time.Second), cause)
}

// Changed is closed when the roots of the mesh are replaced. Connections made
// before that are to be dropped, for an open one outlives what it was verified
// against. Ask again after each change; ask before making the first connection.
func (d *Dialer) Changed() <-chan struct{} {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.changed
}

// Generation counts the sets of roots seen so far; zero: none yet.
func (d *Dialer) Generation() uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.generation
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
