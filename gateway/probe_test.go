package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// A port mapper accepts before the program listens, and then resets.
func TestAConnectionAloneIsNotReady(t *testing.T) {
	k := newKit(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int64
	listens := make(chan struct{})
	mapper := make(chan struct{})
	go func() {
		defer close(mapper)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			if refused.Add(1) == 5 {
				close(listens)
			}
		}
	}()
	k.gw.Apply(state(1, l.Addr().String()))
	call := later(func() reply { return k.get("/svc/Echo/") })
	<-listens
	if p := k.phase(); p != service.Starting {
		t.Errorf("phase %s", p)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-mapper
	again, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(hello)}
	go func() { _ = s.Serve(again) }()
	t.Cleanup(func() { _ = s.Close() })
	(<-call).must(t, http.StatusOK)
}

func TestWhichStatusIsHealthy(t *testing.T) {
	tests := []struct {
		path   string
		status int
		want   bool
	}{
		{"/", 200, true}, {"/", 302, true}, {"/", 404, true}, {"/", 500, true}, {"/", 501, true},
		{"/", 502, false}, {"/", 503, false}, {"/", 504, false},
		{"/healthz", 200, true}, {"/healthz", 302, true}, {"/healthz", 404, false}, {"/healthz", 500, false}, {"/healthz", 503, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.path, tt.status), func(t *testing.T) {
			k := newKit(t, func(s *setup) { s.version.Run.Health.Path = tt.path })
			probes := make(chan string, 1000)
			addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				probes <- r.URL.Path
			})
			k.gw.Apply(state(1, addr))
			if got := <-probes; got != tt.path {
				t.Errorf("probed %s", got)
			}
			if tt.want {
				k.waitFor("ready", func() bool { return k.phase() == service.Ready })
				return
			}
			<-probes
			<-probes // three times not ready
			if p := k.phase(); p != service.Starting {
				t.Errorf("phase %s", p)
			}
		})
	}
}

func TestTheProbesConnectionServesTheCall(t *testing.T) {
	k := newKit(t)
	var conns sync.Map
	addr := k.backend(func(w http.ResponseWriter, r *http.Request) {
		conns.Store(r.RemoteAddr, true)
		hello(w, r)
	})
	k.up(addr)
	k.get("/svc/Echo/").must(t, http.StatusOK)
	n := 0
	conns.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d connections, want the probe's alone", n)
	}
}
