package consul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

const (
	// lockTTL is Consul's shortest. A session that is not renewed ends after one to
	// two of it, and then another agent gets the lock.
	lockTTL = 10 * time.Second
	// lockValid is how long after the begin of the last renewal the holder believes
	// in its lock: less than lockTTL, so that two never do at once while their clocks
	// run at about the same speed.
	lockValid = 8 * time.Second
	lockRenew = 2 * time.Second
	// lockDelay is how long nobody gets the lock of a session that ended by itself.
	lockDelay = time.Second
	lockRetry = 250 * time.Millisecond
	lockTime  = 3 * time.Second // of one request: the next one may be answered
)

// Holder is who holds a lock, as it says itself.
type Holder struct {
	URL  string `json:"url"`            // where others reach it
	Data string `json:"data,omitempty"` // which data it works on
}

// Lock is a lock in Consul that one agent of many holds at a time.
type Lock struct {
	c   *Client
	key string
	own Holder
	// OnSession hears of the id of each session that the lock is asked for with, so
	// that the same agent, started again, can go on with it. nil: nobody does.
	OnSession func(id string)

	mu      sync.Mutex
	session string
	valid   time.Time // until when it is held for certain; zero: it is not held
	renewed time.Time
	holder  Holder // as last heard; the zero value: nobody, or not known
	changed chan struct{}
}

// NewLock returns the lock of a key. session is that of an earlier run that must
// have ended, or empty.
func (c *Client) NewLock(key string, own Holder, session string) *Lock {
	return &Lock{c: c, key: key, own: own, session: session, changed: make(chan struct{})}
}

// Held is nil while the lock is held for certain, and otherwise says why that is
// not so.
func (l *Lock) Held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.valid.IsZero() && l.holder.URL != "" && l.holder != l.own:
		return service.Errorf(service.ErrUnavailable, "the agent at %s leads", l.holder.URL)
	case l.valid.IsZero():
		return service.Errorf(service.ErrUnavailable, "this agent does not hold the lock %s in Consul", l.key)
	case !time.Now().Before(l.valid):
		return service.Errorf(service.ErrUnavailable,
			"it is not certain that this agent still leads: Consul has not confirmed its lock %s for %s", l.key, time.Since(l.renewed).Round(time.Second))
	}
	return nil
}

// Lost reports whether another agent is known to hold the lock.
func (l *Lock) Lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.valid.IsZero() && l.holder.URL != "" && l.holder != l.own
}

// Holder returns who holds the lock as last heard, and a channel that is closed
// when that, or whether it is held here, changes.
func (l *Lock) Holder() (h Holder, held bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder, !l.valid.IsZero(), l.changed
}

// set changes what is known, and tells.
func (l *Lock) set(holder Holder, valid, renewed time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := holder != l.holder || valid.IsZero() != l.valid.IsZero()
	l.holder, l.valid, l.renewed = holder, valid, renewed
	if news {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// Watch follows who holds the lock, without ever asking for it, until ctx ends.
func (l *Lock) Watch(ctx context.Context) error {
	var index uint64
	for ctx.Err() == nil {
		var err error
		if index, _, err = l.read(ctx, index, lockTTL); err != nil && ctx.Err() == nil {
			pause(ctx, lockRetry)
		}
	}
	return nil
}

// Run asks for the lock, keeps it, and asks for it again when it is lost, until
// ctx ends; then it gives it back. While Consul does not answer it goes on trying.
func (l *Lock) Run(ctx context.Context) error {
	log := l.c.log.Named("lock").With("key", l.key)
	told := ""
	for ctx.Err() == nil {
		began := time.Now()
		got, err := l.acquire(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			if told != err.Error() {
				log.Warn("could not ask for the lock", "error", err)
			}
			told = err.Error()
			pause(ctx, lockRetry)
		case got:
			log.Info("got the lock")
			l.set(l.own, began.Add(lockValid), began)
			l.keep(ctx)
			if ctx.Err() == nil {
				log.Warn("lost the lock", "error", l.Held())
			}
			told = ""
		default:
			l.wait(ctx)
		}
	}
	l.giveBack(context.WithoutCancel(ctx))
	return nil
}

// acquire asks for the lock once, with a session that lives.
func (l *Lock) acquire(ctx context.Context) (bool, error) {
	_, w, cancel := l.within(ctx)
	defer cancel()
	if l.session != "" {
		if entry, _, err := l.c.api.Session().Renew(l.session, w); err != nil {
			return false, l.c.explain("renew the session of the lock", err)
		} else if entry == nil {
			l.session = ""
		}
	}
	if l.session == "" {
		id, _, err := l.c.api.Session().Create(&api.SessionEntry{
			Name: "dynsvc " + l.key, TTL: lockTTL.String(), Behavior: api.SessionBehaviorRelease, LockDelay: lockDelay}, w)
		if err != nil {
			return false, l.c.explain("make a session for the lock", err)
		}
		l.session = id
	}
	if l.OnSession != nil {
		l.OnSession(l.session)
	}
	value, err := json.Marshal(l.own)
	if err != nil {
		return false, fmt.Errorf("encode the holder of a lock: %w", err)
	}
	got, _, err := l.c.api.KV().Acquire(&api.KVPair{Key: l.key, Value: value, Session: l.session}, w)
	if err != nil {
		return false, l.c.explain("ask for the lock "+l.key, err)
	}
	return got, nil
}

// keep renews the session for as long as the lock is held.
func (l *Lock) keep(ctx context.Context) {
	for {
		pause(ctx, lockRenew)
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		err := l.confirm(ctx)
		switch {
		case err == nil:
			l.set(l.own, began.Add(lockValid), began)
		case errors.Is(err, service.ErrConflict):
			holder, _, _ := l.Holder()
			if holder == l.own {
				holder = Holder{}
			}
			l.set(holder, time.Time{}, time.Time{})
			return
		}
		// Where Consul does not answer the lock may be held yet: Held says how certain that is.
	}
}

// confirm renews the session and makes sure that the lock is its own still; the
// error is a conflict where it is not.
func (l *Lock) confirm(ctx context.Context) error {
	_, w, cancel := l.within(ctx)
	defer cancel()
	entry, _, err := l.c.api.Session().Renew(l.session, w)
	if err != nil {
		return l.c.explain("renew the session of the lock", err)
	}
	if entry == nil {
		l.session = ""
		return service.Errorf(service.ErrConflict, "the session of the lock %s has ended", l.key)
	}
	_, by, err := l.read(ctx, 0, 0)
	if err != nil {
		return err
	}
	if by != l.session {
		return service.Errorf(service.ErrConflict, "the lock %s was taken away", l.key)
	}
	return nil
}

// wait follows the holder until there is none.
func (l *Lock) wait(ctx context.Context) {
	var index uint64
	for ctx.Err() == nil {
		next, by, err := l.read(ctx, index, lockTTL/2)
		if err != nil || by == "" { // nobody, or not before the lock delay is over
			pause(ctx, lockRetry)
			return
		}
		index = next
		// The session that is waited with has to live, too.
		_, w, cancel := l.within(ctx)
		if entry, _, err := l.c.api.Session().Renew(l.session, w); err == nil && entry == nil {
			l.session = ""
		}
		cancel()
		if l.session == "" {
			return
		}
	}
}

// read notes who holds the lock, and returns the session that it is held by; it
// waits for news of index where that is not zero.
func (l *Lock) read(ctx context.Context, index uint64, wait time.Duration) (next uint64, by string, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait+wait/16+lockTime)
	defer cancel()
	q := (&api.QueryOptions{WaitIndex: index, WaitTime: wait, RequireConsistent: true}).WithContext(ctx)
	pair, meta, err := l.c.api.KV().Get(l.key, q)
	if err != nil {
		return 0, "", l.c.explain("read the lock "+l.key, err)
	}
	next = nextIndex(index, meta.LastIndex)
	var holder Holder
	if pair != nil && pair.Session != "" {
		by = pair.Session
		if err := json.Unmarshal(pair.Value, &holder); err != nil {
			return next, by, service.Errorf(service.ErrInvalid, "the value of %s in Consul is none of dynsvc's: choose another consul.lock", l.key)
		}
	}
	l.mu.Lock()
	valid, renewed := l.valid, l.renewed
	l.mu.Unlock()
	l.set(holder, valid, renewed)
	return next, by, nil
}

// Before returns who held the lock last, also when nobody does now.
func (l *Lock) Before(ctx context.Context) (h Holder, err error) {
	q, _, cancel := l.within(ctx)
	defer cancel()
	pair, _, err := l.c.api.KV().Get(l.key, q)
	if err != nil {
		return h, l.c.explain("read the lock "+l.key, err)
	}
	if pair == nil {
		return h, nil
	}
	if err := json.Unmarshal(pair.Value, &h); err != nil {
		return h, service.Errorf(service.ErrInvalid, "the value of %s in Consul is none of dynsvc's: choose another consul.lock", l.key)
	}
	return h, nil
}

func (l *Lock) within(ctx context.Context) (*api.QueryOptions, *api.WriteOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	return (&api.QueryOptions{RequireConsistent: true}).WithContext(ctx), (&api.WriteOptions{}).WithContext(ctx), cancel
}

// giveBack lets others have the lock at once.
func (l *Lock) giveBack(ctx context.Context) {
	l.set(Holder{}, time.Time{}, time.Time{})
	if l.session == "" {
		return
	}
	_, w, cancel := l.within(ctx)
	defer cancel()
	// The value stays: whoever comes next reads which data were worked on.
	value, err := json.Marshal(l.own)
	if err == nil {
		_, _, err = l.c.api.KV().Release(&api.KVPair{Key: l.key, Value: value, Session: l.session}, w)
	}
	if err == nil {
		_, err = l.c.api.Session().Destroy(l.session, w)
	}
	if err != nil {
		l.c.log.Warn("did not give the lock back; it ends by itself", "key", l.key, "error", l.c.explain("give the lock back", err))
	}
}
