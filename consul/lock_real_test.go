//go:build e2e

package consul

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

const lockKey = "dynsvc/test/leader"

// runs asks for a lock until the test ends or stop is called.
func runs(t *testing.T, l *Lock) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestRealLock(t *testing.T) {
	k := startCluster(t, false)
	c := k.open()
	one := c.NewLock(lockKey, Holder{URL: "http://one", Data: "d"}, "")
	var session string
	one.OnSession = func(id string) { session = id }
	two := c.NewLock(lockKey, Holder{URL: "http://two", Data: "d"}, "")
	stopOne := runs(t, one)
	k.eventually("the first to have it", 10*time.Second, one.Held)
	stopTwo := runs(t, two)
	k.eventually("the second to know who does", 10*time.Second, func() error {
		if err := two.Held(); err == nil || !strings.Contains(err.Error(), "http://one leads") {
			return fmt.Errorf("it says %w", err)
		}
		return nil
	})
	if one.Lost() || !two.Lost() {
		t.Errorf("lost: %v, %v; want the second to know that another one leads", one.Lost(), two.Lost())
	}

	// A leader that stops gives it away at once.
	began := time.Now()
	stopOne()
	k.eventually("the second to have it", 5*time.Second, two.Held)
	t.Logf("handed over in %s", time.Since(began))

	// The same agent, started again after a crash, goes on with its session.
	stopTwo()
	three := c.NewLock(lockKey, Holder{URL: "http://three", Data: "d"}, "")
	three.OnSession = func(id string) { session = id }
	ctx, cut := context.WithCancel(t.Context())
	if got, err := three.acquire(ctx); err != nil || !got {
		t.Fatalf("acquire: %v, %v", got, err)
	}
	cut() // it is gone, and has given nothing back
	again := c.NewLock(lockKey, Holder{URL: "http://three", Data: "d"}, session)
	began = time.Now()
	runs(t, again)
	k.eventually("the restarted one to have it", 2*time.Second, again.Held)
	t.Logf("taken up again in %s", time.Since(began))
	if h, err := again.Before(t.Context()); err != nil || h.URL != "http://three" || h.Data != "d" {
		t.Errorf("Before = %+v, %v", h, err)
	}

	// Somebody takes it away: that is known at the next look.
	if _, err := k.admin.Session().Destroy(again.session, nil); err != nil {
		t.Fatal(err)
	}
	_, held, changed := again.Holder()
	if held {
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("the end of its session was not noticed")
		}
	}
	k.eventually("it to have it once more", 20*time.Second, again.Held)
}

// A holder that Consul does not answer stops believing in its lock before another
// one can have it.
func TestRealLockIsNotBelievedInSilence(t *testing.T) {
	k := startCluster(t, false)
	to, err := url.Parse("http://" + k.addr)
	if err != nil {
		t.Fatal(err)
	}
	var silent atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(to)
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			<-r.Context().Done() // packets are swallowed
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(way.Close)
	far, err := Open(t.Context(), Options{Address: way.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	one := far.NewLock(lockKey, Holder{URL: "http://one"}, "")
	two := k.open().NewLock(lockKey, Holder{URL: "http://two"}, "")
	stop := runs(t, one)
	k.eventually("the first to have it", 10*time.Second, one.Held)
	runs(t, two)
	silent.Store(true)
	began := time.Now()
	var doubted time.Duration
	k.eventually("the second to have it", 40*time.Second, func() error {
		if err := one.Held(); err != nil && doubted == 0 {
			doubted = time.Since(began)
			if !errors.Is(err, service.ErrUnavailable) || !strings.Contains(err.Error(), "not certain that this agent still leads") {
				t.Errorf("the first one says %v", err)
			}
		}
		if err := two.Held(); err != nil {
			return err
		}
		if doubted == 0 {
			t.Error("two believe that they lead")
		}
		return nil
	})
	t.Logf("doubted after %s, taken over after %s", doubted, time.Since(began))
	silent.Store(false)
	k.eventually("the first to know that it has lost it", 20*time.Second, func() error {
		if !one.Lost() {
			return errors.New("it does not")
		}
		return nil
	})
	stop()
	if err := two.Held(); err != nil {
		t.Errorf("the loser took it away: %v", err)
	}
}
