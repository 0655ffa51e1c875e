package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestDrainEmptiesExactlyTheHighestIndexes(t *testing.T) {
	k := newKit(t)
	proceed := make(chan struct{})
	arrived := make(chan string, 100)
	named := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/slow":
				arrived <- name
				<-proceed
			case "/quick":
				arrived <- name
			}
		}
	}
	var addrs []string
	for i := range 4 {
		addrs = append(addrs, k.backend(named(fmt.Sprint(i))))
	}
	k.up(addrs...)
	var slow []<-chan reply
	for range 40 {
		slow = append(slow, later(func() reply { return k.get("/svc/Echo/slow") }))
	}
	busy := map[string]int{}
	for range 40 {
		busy[<-arrived]++
	}
	if len(busy) != 4 || busy["3"] < 5 || busy["3"] > 15 {
		t.Errorf("uneven: %v", busy)
	}
	short, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if k.gw.Drain(short, echo, 2) {
		t.Fatal("drained while calls are in flight")
	}
	drained := make(chan bool, 1)
	go func() { drained <- k.gw.Drain(context.Background(), echo, 2) }()
	k.waitFor("the upper two get nothing", func() bool {
		for range 20 {
			k.get("/svc/Echo/quick").must(t, http.StatusOK)
		}
		upper := 0
		for range 20 {
			if name := <-arrived; name == "2" || name == "3" {
				upper++
			}
		}
		return upper == 0
	})
	select {
	case <-drained:
		t.Fatal("drained while calls are in flight")
	default:
	}
	close(proceed)
	if !<-drained {
		t.Fatal("not drained")
	}
	for _, c := range slow {
		(<-c).must(t, http.StatusOK)
	}
	k.gw.Open(echo)
	seen := map[string]bool{}
	k.waitFor("all four again", func() bool {
		k.get("/svc/Echo/quick").must(t, http.StatusOK)
		seen[<-arrived] = true
		return len(seen) == 4
	})
}

func TestDrainRefusesToLeaveNobodyReady(t *testing.T) {
	k := newKit(t)
	k.gw.Apply(state(2, dead(t), k.backend(hello)))
	k.waitFor("one ready", func() bool { return k.load().Ready == 1 })
	if k.gw.Drain(context.Background(), echo, 1) {
		t.Error("drained the only endpoint that is ready")
	}
	k.get("/svc/Echo/").must(t, http.StatusOK)
}

func TestClosing(t *testing.T) {
	newOne := func(t *testing.T) *kit {
		k := newKit(t)
		k.up(k.backend(hello))
		return k
	}
	background := context.Background()
	t.Run("to idle", func(t *testing.T) {
		k := newOne(t)
		if !k.gw.Drain(background, echo, 0) {
			t.Fatal("not drained")
		}
		if p := k.phase(); p != service.Closing {
			t.Errorf("phase %s", p)
		}
		k.gw.Apply(state(0))
		if p := k.phase(); p != service.Idle {
			t.Errorf("phase %s", p)
		}
		if !k.gw.Drain(background, echo, 0) {
			t.Error("an idle service is drained")
		}
	})
	t.Run("a call before the last answer", func(t *testing.T) {
		k := newKit(t)
		arrived, proceed := make(chan struct{}), make(chan struct{})
		k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(arrived)
				<-proceed
			}
		}))
		slow := later(func() reply { return k.get("/svc/Echo/slow") })
		<-arrived
		drained := make(chan bool, 1)
		go func() { drained <- k.gw.Drain(background, echo, 0) }()
		k.waitFor("closing", func() bool { return k.phase() == service.Closing })
		k.get("/svc/Echo/").must(t, http.StatusOK) // at once, not after the slow one
		if <-drained {
			t.Error("drained although a call came")
		}
		close(proceed)
		(<-slow).must(t, http.StatusOK)
	})
	t.Run("a call between drain and scale", func(t *testing.T) {
		k := newOne(t)
		addr := k.backend(hello)
		if !k.gw.Drain(background, echo, 0) {
			t.Fatal("not drained")
		}
		call := later(func() reply { return k.get("/svc/Echo/") })
		k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
		if k.cluster.woken() != 0 {
			t.Error("woken before the count was 0")
		}
		k.cluster.onWake(func(context.Context) error { k.gw.Apply(state(1, addr)); return nil })
		k.gw.Apply(state(0))
		(<-call).must(t, http.StatusOK)
		if k.cluster.woken() != 1 {
			t.Errorf("%d wakes", k.cluster.woken())
		}
	})
	t.Run("the scale fails", func(t *testing.T) {
		k := newOne(t)
		if !k.gw.Drain(background, echo, 0) {
			t.Fatal("not drained")
		}
		call := later(func() reply { return k.get("/svc/Echo/") })
		k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
		k.gw.Open(echo)
		(<-call).must(t, http.StatusOK)
	})
	t.Run("calls wait", func(t *testing.T) {
		k := newKit(t)
		call := later(func() reply { return k.get("/svc/Echo/") })
		k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
		if k.gw.Drain(background, echo, 0) {
			t.Error("drained although a call waits")
		}
		k.gw.Apply(state(1, k.backend(hello)))
		(<-call).must(t, http.StatusOK)
	})
}
