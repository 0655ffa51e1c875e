package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestAThousandCallersOfAColdServiceCauseOneWake(t *testing.T) {
	k := newKit(t, func(s *setup) { s.version.Run.Health.StartDeadline = seconds(120) })
	var served atomic.Int64
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			served.Add(1)
		}
		hello(w, r)
	})
	const callers = 1000
	k.cluster.onWake(func(context.Context) error {
		k.waitFor("all callers wait", func() bool { return k.load().Queued == callers })
		k.gw.Apply(state(1, addr))
		return nil
	})
	var wg sync.WaitGroup
	var good atomic.Int64
	for range callers {
		wg.Go(func() {
			r := k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.hi","params":[],"id":1}`)
			if r.err == nil && r.status == http.StatusOK && r.body == "hello" {
				good.Add(1)
			} else {
				t.Errorf("answer %+v", r)
			}
		})
	}
	wg.Wait()
	if k.cluster.woken() != 1 || good.Load() != callers || served.Load() != callers {
		t.Errorf("%d wakes, %d good answers, %d served", k.cluster.woken(), good.Load(), served.Load())
	}
	if l := k.load(); l.InFlight != 0 || l.Queued != 0 || l.LastBusy.IsZero() {
		t.Errorf("load after the herd: %+v", l)
	}
}

func TestTheFirstCallToldItsColdStart(t *testing.T) {
	k := newKit(t)
	addr := k.backend(hello)
	k.cluster.onWake(func(context.Context) error { k.gw.Apply(state(1, addr)); return nil })
	first := k.get("/svc/echo@dev/")
	first.must(t, http.StatusOK)
	if timing := first.header.Get("Server-Timing"); !strings.HasPrefix(timing, "place;dur=") ||
		!strings.Contains(timing, "start;dur=") || !strings.Contains(timing, "ready;dur=") {
		t.Errorf("Server-Timing %q", timing)
	}
	second := k.get("/svc/ECHO@1.2.0/")
	second.must(t, http.StatusOK)
	if timing := second.header.Get("Server-Timing"); timing != "" {
		t.Errorf("a warm call has Server-Timing %q", timing)
	}
}

func TestAHeldCallerWhoLeavesFreesItsPlaceAndTheStartGoesOn(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.QueueLength = 1 })
	addr := k.backend(hello)
	proceed := make(chan struct{})
	k.cluster.onWake(func(ctx context.Context) error {
		select {
		case <-proceed:
			k.gw.Apply(state(1, addr))
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	ctx, leave := context.WithCancel(context.Background())
	starter := later(func() reply { return k.do(ctx, http.MethodGet, "/svc/Echo/", "") })
	k.waitFor("the starter waits", func() bool { return k.load().Queued == 1 })
	k.get("/svc/Echo/").must(t, http.StatusServiceUnavailable, "1 calls waiting")
	leave()
	if r := <-starter; !errors.Is(r.err, context.Canceled) {
		t.Fatalf("the starter got %+v", r)
	}
	k.waitFor("its place is free", func() bool { return k.load().Queued == 0 })
	second := later(func() reply { return k.get("/svc/Echo/") })
	k.waitFor("the second waits", func() bool { return k.load().Queued == 1 })
	close(proceed)
	(<-second).must(t, http.StatusOK)
	if k.cluster.woken() != 1 {
		t.Errorf("%d wakes", k.cluster.woken())
	}
}

func TestAStartEndsEvenIfEverybodyLeaves(t *testing.T) {
	k := newKit(t)
	addr := k.backend(hello)
	proceed := make(chan struct{})
	k.cluster.onWake(func(context.Context) error { <-proceed; k.gw.Apply(state(1, addr)); return nil })
	ctx, leave := context.WithCancel(context.Background())
	only := later(func() reply { return k.do(ctx, http.MethodGet, "/svc/Echo/", "") })
	k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
	leave()
	<-only
	k.waitFor("nobody waits", func() bool { return k.load().Queued == 0 })
	close(proceed)
	k.waitFor("ready", func() bool { return k.phase() == service.Ready })
}

func TestBytesOfHeldBodiesAreBounded(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.QueueBytes = 3000 })
	addr := k.backend(hello)
	body := `{"method":"Echo.hi","id":1,"params":["` + strings.Repeat("x", 2000) + `"]}`
	first := later(func() reply { return k.post("/svc/Echo/", body) })
	k.waitFor("the first waits", func() bool { return k.load().Queued == 1 })
	r := k.post("/svc/Echo/", body)
	r.must(t, http.StatusServiceUnavailable, "calls waiting")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	k.gw.Apply(state(1, addr))
	(<-first).must(t, http.StatusOK)
}

func TestACallHeldTooLongIsLate(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.Hold = 50 * time.Millisecond })
	k.get("/svc/Echo/").must(t, http.StatusGatewayTimeout, "no instance free within 50ms")
	if n := k.load().Queued; n != 0 {
		t.Errorf("%d still queued", n)
	}
}

func TestWhatAPersonReadsWhenAStartFails(t *testing.T) {
	failed := func(f service.Failure) func(*kit) error {
		return func(k *kit) error {
			st := state(1)
			if f.At.IsZero() {
				f.At = time.Now()
			}
			st.Failure = &f
			k.gw.Apply(st)
			return nil
		}
	}
	tests := []struct {
		name string
		wake func(*kit) error
		want []string
	}{
		{"no capacity", failed(service.Failure{Cause: service.NoCapacity, Text: "no node has 400 GiB of memory"}),
			[]string{"Echo 1.2.0 could not be started", "400 GiB", `"cause":"no_capacity"`}},
		{"bad image", failed(service.Failure{Cause: service.BadImage, Text: "the image does not exist", Final: true}),
			[]string{"the image does not exist", `"cause":"bad_image"`}},
		{"exited", failed(service.Failure{Cause: service.Exited, Text: "the program ended with status 3", Final: true,
			Log: []string{"Traceback", "KeyError: 'DB'"}}), []string{"status 3", "KeyError: 'DB'"}},
		{"wake refused", func(*kit) error { return errors.New("the quota of ada is used up") },
			[]string{"the quota of ada is used up", `"cause":"rejected"`}},
		{"nothing listens", func(k *kit) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			addr := l.Addr().String()
			if err := l.Close(); err != nil {
				return err
			}
			k.gw.Apply(state(1, addr))
			return nil
		}, []string{"nothing answers on port 5000", "0.0.0.0:$PORT", "connection refused", `"cause":"not_listening"`}},
		{"never placed", func(*kit) error { return nil }, []string{"placed no instance"}},
		{"tried again in vain", func(k *kit) error {
			return failed(service.Failure{Cause: service.Exited, Text: "the program ended with status 7"})(k)
		}, []string{"status 7", "tried again"}},
		{"ended twice", func(k *kit) error {
			once := service.Failure{Cause: service.Exited, Text: "the program ended with status 7", At: time.Unix(1, 0)}
			again := service.Failure{Cause: service.Exited, Text: "the program ended with status 8", At: time.Unix(2, 0)}
			said := again
			said.Log = []string{"KeyError: 'DB'"}
			return errors.Join(failed(once)(k), failed(once)(k), failed(again)(k), failed(said)(k))
		}, []string{"could not be started: the program ended with status 8\"", "KeyError: 'DB'"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, func(s *setup) { s.version.Run.Health.StartDeadline = seconds(0.3) })
			k.cluster.onWake(func(context.Context) error { return tt.wake(k) })
			r := k.get("/svc/Echo/x")
			r.must(t, http.StatusServiceUnavailable, tt.want...)
			if got := r.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if got := r.header.Get("Retry-After"); got != "10" {
				t.Errorf("Retry-After %q", got)
			}
			if id := r.header.Get("X-Request-Id"); id == "" || !strings.Contains(r.body, id) {
				t.Errorf("X-Request-Id %q is not in the body %s", id, r.body)
			}
			if p := k.phase(); p != service.Broken {
				t.Errorf("phase %s", p)
			}
			// Within the back-off nobody waits and nobody wakes.
			k.get("/svc/Echo/").must(t, http.StatusServiceUnavailable, tt.want[0])
			if k.cluster.woken() != 1 {
				t.Errorf("%d wakes", k.cluster.woken())
			}
		})
	}
}

func TestAStoppedServiceRefusesUntilItIsStarted(t *testing.T) {
	k := newKit(t)
	held := later(func() reply { return k.get("/svc/Echo/") })
	k.waitFor("one waits", func() bool { return k.load().Queued == 1 })
	k.gw.SetStopped(echo, true)
	(<-held).must(t, http.StatusServiceUnavailable, "stopped by an admin")
	k.get("/svc/Echo/").must(t, http.StatusServiceUnavailable, "stopped by an admin")
	k.gw.Apply(state(1, k.backend(hello)))
	k.get("/svc/Echo/").must(t, http.StatusServiceUnavailable, "stopped by an admin")
	k.gw.SetStopped(echo, false)
	k.get("/svc/Echo/").must(t, http.StatusOK)
	if k.cluster.woken() != 1 {
		t.Errorf("%d wakes", k.cluster.woken())
	}
}

func TestInstancesFoundAtStartAreAdopted(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(hello))
	k.get("/svc/Echo/").must(t, http.StatusOK)
	if k.cluster.woken() != 0 {
		t.Errorf("%d wakes", k.cluster.woken())
	}
}

func TestACheckThatWasPassingAndTurnsCriticalTakesItsEndpointOut(t *testing.T) {
	k := newKit(t)
	var sick atomic.Bool
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		hello(w, r)
	})
	with := func(c service.Check) service.State {
		st := state(1, addr)
		st.Endpoints[0].Check = c
		return st
	}
	k.gw.Apply(with(service.Critical)) // Consul has not looked yet
	k.waitFor("ready", func() bool { return k.phase() == service.Ready })
	k.gw.Apply(with(service.Critical))
	if p := k.phase(); p != service.Ready {
		t.Fatalf("phase %s: critical before it was passing is no news", p)
	}
	k.gw.Apply(with(service.Passing))
	sick.Store(true)
	k.gw.Apply(with(service.Critical))
	if p := k.phase(); p != service.Starting {
		t.Fatalf("phase %s", p)
	}
	sick.Store(false)
	k.waitFor("ready again", func() bool { return k.phase() == service.Ready })
}

func TestAServiceScaledToZeroByAnotherWakesAgainForThoseWhoWait(t *testing.T) {
	k := newKit(t)
	addr := k.backend(hello)
	call := later(func() reply { return k.get("/svc/Echo/") })
	k.waitFor("woken", func() bool { return k.cluster.woken() == 1 && k.load().Queued == 1 })
	k.gw.Apply(state(1))
	k.cluster.onWake(func(context.Context) error { k.gw.Apply(state(1, addr)); return nil })
	k.gw.Apply(state(0))
	(<-call).must(t, http.StatusOK)
	if k.cluster.woken() != 2 {
		t.Errorf("%d wakes", k.cluster.woken())
	}
}

func TestWaitersAreLetInThroughTheLimit(t *testing.T) {
	k := newKit(t, func(s *setup) { s.version.Scale.MaxConcurrency = 2 })
	var now, peak atomic.Int64
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n := now.Add(1)
			defer now.Add(-1)
			for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
			}
		}
		hello(w, r)
	})
	k.cluster.onWake(func(context.Context) error {
		k.waitFor("all wait", func() bool { return k.load().Queued == 100 })
		k.gw.Apply(state(1, addr))
		return nil
	})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if r := k.post("/svc/Echo/x", "body"); r.status != http.StatusOK {
				t.Errorf("answer %+v", r)
			}
		})
	}
	wg.Wait()
	if peak.Load() > 2 {
		t.Errorf("%d calls at once, limit 2", peak.Load())
	}
}

func TestAQueueBeforeBusyInstancesIsTold(t *testing.T) {
	var told atomic.Int64
	k := newKit(t, func(s *setup) {
		s.version.Scale.MaxConcurrency = 1
		s.opts.Queued = func(id service.ID) {
			if id != echo {
				t.Errorf("told of %s", id)
			}
			told.Add(1)
		}
	})
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			entered <- struct{}{}
			<-leave
		}
		hello(w, r)
	})
	k.cluster.onWake(func(context.Context) error { k.gw.Apply(state(1, addr)); return nil })
	var wg sync.WaitGroup
	wg.Go(func() { k.post("/svc/Echo/x", "body") })
	<-entered
	if told.Load() != 0 {
		t.Error("told of a cold start, which the waker hears of")
	}
	wg.Go(func() { k.post("/svc/Echo/x", "body") })
	k.waitFor("the second call to wait", func() bool { return k.load().Queued == 1 })
	if told.Load() != 1 {
		t.Errorf("told %d times, want once", told.Load())
	}
	close(leave)
	wg.Wait()
}
