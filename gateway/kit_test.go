package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/lane"
	"github.com/dynsvc/dynsvc/service"
)

const echo service.ID = "dyn-echo-00000001"

// kit is a gateway with one module, Echo, behind a real listener, and a cluster
// played by hand.
type kit struct {
	t       *testing.T
	gw      *gateway.Gateway
	url     string // of the gateway, without a slash at its end
	client  *http.Client
	cluster *cluster
	stop    func() // ends Run and waits for it
}

// cluster is the waker. A test says what a wake does.
type cluster struct {
	mu    sync.Mutex
	wakes int
	wake  func(context.Context) error
}

func (c *cluster) Wake(ctx context.Context, _ service.ID) error {
	c.mu.Lock()
	c.wakes++
	wake := c.wake
	c.mu.Unlock()
	if wake == nil {
		return nil
	}
	return wake(ctx)
}

func (c *cluster) woken() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wakes
}

func (c *cluster) onWake(f func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake = f
}

type setup struct {
	owners        []string // of the module
	opts          gateway.Options
	version       service.Version
	connections   int           // 0: any number
	headerTimeout time.Duration // 0: the server's
}

func nullLog() hclog.Logger { return hclog.NewNullLogger() }

func newKit(t *testing.T, change ...func(*setup)) *kit {
	t.Helper()
	noLeak(t)
	s := setup{version: service.Version{
		ID: echo, Module: "Echo", Version: "1.2.0", Commit: "4f2a9c1d00000000", Digest: "sha256:" + strings.Repeat("9c", 32),
		Run: service.Run{Port: 5000, Health: service.Health{Path: "/", StartDeadline: seconds(20)}},
	}}
	for _, f := range change {
		f(&s)
	}
	trusted := s.opts.TrustedProxies
	if behindRelay {
		s.opts.TrustedProxies = append(slices.Clone(trusted), netip.MustParsePrefix("127.0.0.1/32"))
	}
	k := &kit{t: t, cluster: &cluster{}}
	k.gw = gateway.New(hclog.NewNullLogger(), k.cluster, s.opts)
	k.gw.Publish(service.Module{
		Name: "Echo", Owners: s.owners, Tags: map[string]service.ID{"release": echo, "dev": echo},
		Versions: []service.Version{s.version},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- k.gw.Run(ctx) }()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(k.stop)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.connections > 0 {
		listener = gateway.Bound(listener, s.connections)
	}
	server := gateway.Server(k.gw, hclog.NewNullLogger())
	if s.headerTimeout > 0 {
		server.ReadHeaderTimeout = s.headerTimeout
	}
	served := make(chan error, 1)
	if behindLane {
		listener = lane.New(listener, server, k.gw, hclog.NewNullLogger(), gateway.Prefix, gateway.DynServ)
	}
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	k.url = "http://" + listener.Addr().String()
	if behindRelay {
		k.url = k.relayed(trusted)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	k.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return k
}

func seconds(n float64) service.Duration {
	return service.Duration{Duration: time.Duration(n * float64(time.Second))}
}

// noLeak fails the test if goroutines are left at its end.
func noLeak(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		var n int
		if !poll(func() bool { n = runtime.NumGoroutine(); return n <= before }) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines at the end, %d at the beginning:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
		}
	})
}

func poll(done func() bool) bool {
	deadline := time.NewTimer(time.Minute) // for machines that do much else
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			return done()
		case <-tick.C:
		}
	}
	return true
}

func (k *kit) waitFor(what string, done func() bool) {
	k.t.Helper()
	if !poll(done) {
		k.t.Fatalf("never came: %s; loads %+v", what, k.gw.Loads())
	}
}

// backend starts a server that stands for an instance.
func (k *kit) backend(h http.HandlerFunc) string {
	k.t.Helper()
	s := httptest.NewServer(h)
	k.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// state says that count instances are wanted and where those placed are.
func state(count int, addrs ...string) service.State {
	st := service.State{ID: echo, Registered: true, Count: count, Revision: 1}
	for i, addr := range addrs {
		st.Endpoints = append(st.Endpoints, service.Endpoint{
			Alloc: fmt.Sprintf("alloc-%d", i), Index: i, Addr: addr, Transport: service.Plain, Running: true,
		})
	}
	return st
}

// up brings the service up on these addresses, without a call.
func (k *kit) up(addrs ...string) {
	k.t.Helper()
	k.gw.Apply(state(len(addrs), addrs...))
	k.waitFor("every endpoint ready", func() bool { return k.load().Ready == len(addrs) })
}

func (k *kit) load() service.Load {
	for _, l := range k.gw.Loads() {
		if l.ID == echo {
			return l
		}
	}
	return service.Load{ID: echo, Phase: service.Idle}
}

func (k *kit) phase() service.Phase { return k.load().Phase }

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (k *kit) do(ctx context.Context, method, path, body string, header ...string) reply {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, k.url+path, r)
	if err != nil {
		return reply{err: err}
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return send(k.client, req)
}

func send(client *http.Client, req *http.Request) reply {
	res, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: string(text), err: err}
}

func (k *kit) get(path string, header ...string) reply {
	return k.do(context.Background(), http.MethodGet, path, "", header...)
}

func (k *kit) post(path, body string, header ...string) reply {
	return k.do(context.Background(), http.MethodPost, path, body, header...)
}

// later makes a call that is answered on the channel.
func later(call func() reply) <-chan reply {
	out := make(chan reply, 1)
	go func() { out <- call() }()
	return out
}

func (r reply) must(t *testing.T, status int, contains ...string) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("call: %v", r.err)
	}
	if r.status != status {
		t.Fatalf("status %d, want %d; body: %s", r.status, status, r.body)
	}
	for _, part := range contains {
		if !strings.Contains(r.body, part) {
			t.Errorf("body lacks %q: %s", part, r.body)
		}
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "hello")
}
