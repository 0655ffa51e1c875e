package consul

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/consul/api"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
)

const (
	identityWait = time.Minute // how long Consul may hold back news of leaf and roots
	identityLate = time.Minute // without a first identity for so long, someone must act
	expiryMargin = time.Hour   // less than this left, or a tenth of the certificate's life: renewal has failed
)

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
