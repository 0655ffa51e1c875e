package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

func TestAnEndpointThatIsShutGetsNoCall(t *testing.T) {
	e := newEndpoint(service.Endpoint{Alloc: "a", Addr: "10.0.0.1:80"}, 0)
	only := &set{{e, 1}} // as a warm path saw it that was faster than who shut it
	if only.claim() != nil {
		t.Error("claimed before it was ready")
	}
	e.setOpen(true)
	if first, second := only.claim(), only.claim(); first != e || second != e || e.inFlight() != 2 {
		t.Fatalf("%d in flight", e.inFlight())
	}
	e.setOpen(false)
	if only.claim() != nil || e.inFlight() != 2 {
		t.Error("claimed after it was shut")
	}
	if e.release() || !e.release() {
		t.Error("the last to leave is not the second")
	}
}

func TestASetPrefersTheLessBusyAndFindsAnyRoom(t *testing.T) {
	var all set
	for range 8 {
		e := newEndpoint(service.Endpoint{}, 4)
		e.setOpen(true)
		all = append(all, slot{e, 1})
	}
	for range 8 * 4 {
		if all.claim() == nil {
			t.Fatal("no room found where there is some")
		}
	}
	if all.claim() != nil {
		t.Error("more calls than the limits allow")
	}
}

// With calls that last, a fresh instance comes to its share by and by.
func TestAFreshInstanceGetsASmallerShare(t *testing.T) {
	old, fresh := newEndpoint(service.Endpoint{}, 0), newEndpoint(service.Endpoint{}, 0)
	old.setOpen(true)
	fresh.setOpen(true)
	for _, f := range append(freshness, struct {
		age    time.Duration
		weight int64
	}{time.Minute, 1}) {
		share, _ := weight(f.age - time.Nanosecond)
		if share != f.weight {
			t.Errorf("weight %d at %s, want %d", share, f.age, f.weight)
		}
		all := set{{old, 1}, {fresh, share}}
		for range 90 {
			all.claim()
		}
		want := 90 / (share + 1)
		if got := fresh.inFlight(); got < want-1 || got > want+1 {
			t.Errorf("younger than %s it has %d of 90 calls, want %d", f.age, got, want)
		}
		for old.inFlight() > 0 {
			old.release()
		}
		for fresh.inFlight() > 0 {
			fresh.release()
		}
	}
}

// clusterOf is a service with n instances that answer probes, in fake time.
func clusterOf(t *testing.T, n int) (*machine, func(i int) *endpoint) {
	const id service.ID = "dyn-m-00000001"
	g := New(hclog.NewNullLogger(), wakerFunc(func(context.Context) error { return nil }), Options{})
	g.try = func(context.Context, *machine, *endpoint) error { return nil }
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	g.Publish(service.Module{Name: "M", Versions: []service.Version{{ID: id, Module: "M", Version: "1.0.0"}}})
	st := service.State{ID: id, Count: n}
	for i := range n {
		st.Endpoints = append(st.Endpoints, service.Endpoint{Alloc: fmt.Sprint("a", i), Index: i, Addr: fmt.Sprint("10.0.0.1:", i+1)})
	}
	g.Apply(st)
	synctest.Wait()
	m := g.machine(id)
	return m, func(i int) *endpoint {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.endpoints[fmt.Sprint("a", i)]
	}
}

func isWarm(m *machine, e *endpoint) bool {
	return slices.ContainsFunc(*m.warm.Load(), func(s slot) bool { return s.endpoint == e })
}

// Each failure in a row takes an endpoint out for twice as long, up to a minute,
// and only while another is there.
func TestAnEndpointThatFailsIsPassedOverForLongerEachTime(t *testing.T) {
	for name, fail := range map[string]func(*machine, *endpoint){
		"no connection": func(m *machine, e *endpoint) { m.eject(e, errors.New("connection refused")) },
		"503":           func(m *machine, e *endpoint) { m.shun(e) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, at := clusterOf(t, 2)
				e := at(0)
				for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
					fail(m, e)
					fail(m, e) // another call that met the same
					synctest.Wait()
					if isWarm(m, e) || len(*m.warm.Load()) != 1 {
						t.Fatalf("%d endpoints take calls", len(*m.warm.Load()))
					}
					<-time.After(want*time.Second - time.Millisecond)
					if isWarm(m, e) {
						t.Fatalf("back before %d s", want)
					}
					<-time.After(2 * time.Millisecond)
					synctest.Wait()
					if !isWarm(m, e) {
						t.Fatalf("not back after %d s", want)
					}
				}
				<-time.After(2 * time.Minute) // all is well: it begins anew
				fail(m, e)
				<-time.After(firstPenalty + time.Millisecond)
				synctest.Wait()
				if !isWarm(m, e) {
					t.Error("an old offence counts for ever")
				}
			})
		})
	}
}

func TestTheOnlyEndpointIsNeverPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, at := clusterOf(t, 2)
		m.shun(at(0))
		m.shun(at(1))
		if n := len(*m.warm.Load()); n != 2 {
			t.Errorf("%d of 2 endpoints take calls when both have too much to do", n)
		}
		m.eject(at(0), errors.New("connection refused"))
		synctest.Wait()
		m.eject(at(1), errors.New("connection refused"))
		synctest.Wait()
		<-time.After(time.Millisecond)
		synctest.Wait()
		if n := len(*m.warm.Load()); n != 2 || m.phase != service.Ready {
			t.Errorf("%d of 2 endpoints take calls, phase %s", n, m.phase)
		}
	})
}
