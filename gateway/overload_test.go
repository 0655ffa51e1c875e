package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

func (k *kit) dial() net.Conn {
	k.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(k.url, "http://"))
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Callers that send next to nothing, or far too much, are sent away before they
// reach a service, and nobody else notices.
func TestSlowAndHugeRequestsAreSentAway(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.BodyTimeout = 50 * time.Millisecond })
	k.up(k.backend(hello))
	tests := []struct {
		name, send string
		want       string // beginning of the answer
	}{
		{"a typed call without its body", "POST /svc/Echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 408 "},
		{"a typed call with half of it", "POST /svc/Echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{\"method\":", "HTTP/1.1 408 "},
		{"a typed call in a chunk that does not end", "POST /svc/Echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"method\":", "HTTP/1.1 408 "},
		{"one header of 1 MiB", "GET /svc/Echo/ HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 1<<20), "HTTP/1.1 431 "},
		{"100 000 headers", "GET /svc/Echo/ HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 100_000), "HTTP/1.1 431 "},
		{"a URL of 1 MiB", "GET /svc/Echo/" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 431 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := k.dial()
			go func() { _, _ = io.WriteString(conn, tt.send) }() // the gateway may not read all of it
			got, _ := io.ReadAll(conn)                           // an answer, and then it may be reset
			if !strings.HasPrefix(string(got), tt.want) {
				t.Errorf("got %.200q, want %q", got, tt.want)
			}
			k.get("/svc/Echo/").must(t, http.StatusOK)
		})
	}
	if n := k.load().InFlight; n != 0 {
		t.Errorf("%d in flight", n)
	}
}

func TestASlowHeaderIsSentAway(t *testing.T) {
	if got := gateway.Server(nil, nullLog()).ReadHeaderTimeout; got <= 0 || got > 30*time.Second {
		t.Errorf("a header may take %s", got)
	}
	k := newKit(t, func(s *setup) { s.headerTimeout = 50 * time.Millisecond })
	conn := k.dial()
	_, _ = io.WriteString(conn, "GET /svc/Echo/ HTTP/1.1\r\nHost: h\r\nX-Slow: ")
	if got, err := io.ReadAll(conn); err != nil {
		t.Errorf("read %q, %v, want the connection closed", got, err)
	}
}

// The memory that the beginnings of bodies take is bounded for all calls
// together, and small calls need none of it.
func TestBodiesInMemoryAreBounded(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.BodyBytes = 100 << 10 })
	k.up(k.backend(hello))
	var first net.Conn
	large := `{"version":"1.1","method":"Echo.hi","params":["` + strings.Repeat("x", 60<<10) + `"]}`
	k.waitFor("there is no room", func() bool {
		if first != nil { // it came after the other
			_ = first.Close()
		}
		first = k.dial() // takes 64 KiB of it, and does not send them
		_, _ = io.WriteString(first, "POST /svc/Echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n{\"method\":")
		return k.post("/svc/Echo", large).status == http.StatusServiceUnavailable
	})
	r := k.post("/svc/Echo", large)
	r.must(t, http.StatusServiceUnavailable, "the gateway keeps 0 MiB of bodies in memory")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	k.post("/svc/Echo", `{"version":"1.1","method":"Echo.hi"}`).must(t, http.StatusOK)
	k.post("/svc/Echo/below", large).must(t, http.StatusOK)
	_ = first.Close()
	k.waitFor("the room comes back", func() bool { return k.post("/svc/Echo", large).status == http.StatusOK })
}

// An answer that ends a connection is followed by an end that takes nothing from it.
func TestABoundedConnectionCanBeClosedInOneDirection(t *testing.T) {
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := gateway.Bound(below, 1)
	defer func() { _ = l.Close() }()
	caller, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = caller.Close() }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(caller); err != nil || len(rest) > 0 {
		t.Errorf("the caller reads %q, %v", rest, err)
	}
	if _, err := io.WriteString(caller, "x"); err != nil {
		t.Errorf("the caller cannot write any more: %v", err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Errorf("nothing of the caller arrives any more: %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	k := newKit(t, func(s *setup) { s.connections = 3 })
	k.up(k.backend(hello))
	conns := make([]net.Conn, 3)
	ask := func(conn net.Conn) string {
		_, _ = io.WriteString(conn, "GET /svc/Echo/ HTTP/1.1\r\nHost: h\r\n\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return err.Error()
		}
		return line
	}
	for i := range conns {
		conns[i] = k.dial()
		if got := ask(conns[i]); !strings.Contains(got, " 200 ") {
			t.Fatalf("connection %d: %q", i, got)
		}
	}
	late, err := io.ReadAll(k.dial()) // is told so before it asks
	if err != nil || !strings.HasPrefix(string(late), "HTTP/1.1 503 ") || !strings.Contains(string(late), "\r\nRetry-After: 1\r\n") {
		t.Errorf("one too many: %q, %v", late, err)
	}
	_ = conns[0].Close()
	k.waitFor("there is room again", func() bool { return strings.Contains(ask(k.dial()), " 200 ") })
}

// Ten thousand callers wait for cold services, one more is sent away, and what
// each of them takes is bounded. Most of them share connections by HTTP/2, for
// this process has both ends of each.
func TestTenThousandCallersOfColdServices(t *testing.T) {
	const single, services = 2, 10 // of which single are called over a connection for each call
	each := 1000
	if gateway.RaceDetector { // it takes its time
		each = 100
	}
	k := newKit(t, func(s *setup) { s.opts.QueueTotal = services * each })
	var mod service.Module
	for i := range services + 1 {
		id := service.ID(fmt.Sprintf("dyn-cold-%08d", i))
		mod.Name = "Cold"
		mod.Versions = append(mod.Versions, service.Version{ID: id, Module: "Cold", Version: fmt.Sprintf("%d.0.0", i),
			Run: service.Run{Health: service.Health{Path: "/", StartDeadline: seconds(600)}}})
	}
	k.gw.Publish(mod)
	k.up(k.backend(hello))
	body := `{"version":"1.1","method":"Cold.hi","params":["` + strings.Repeat("x", 1000) + `"],"id":"1"}`
	queued := func() (n int) {
		for _, l := range k.gw.Loads() {
			n += l.Queued
		}
		return n
	}
	used := func() int64 {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		return int64(now.HeapInuse + now.StackInuse)
	}
	bounded := func(what string, calls int, grown, limit int64) {
		t.Helper()
		t.Logf("%s: %d KiB for each of %d held calls, the test's own side included", what, grown/int64(calls)>>10, calls)
		if grown/int64(calls) > limit && !gateway.RaceDetector {
			t.Errorf("%s: each held call takes %d KiB, more than %d", what, grown/int64(calls)>>10, limit>>10)
		}
	}
	routines := runtime.NumGoroutine()
	before := used()
	var conns []net.Conn
	for i := range single {
		request := fmt.Sprintf("POST /svc/Cold@%d.0.0 HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
		for range each {
			conn := k.dial()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
	}
	k.waitFor("all wait", func() bool { return queued() == single*each })
	now := used()
	bounded("a connection each", len(conns), now-before, 40<<10)

	ctx, leave := context.WithCancel(context.Background())
	shared := k.http2()
	var calls []<-chan reply
	for i := single; i < services; i++ {
		for range each {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/svc/Cold@%d.0.0", k.url, i), strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, later(func() reply { return send(shared, req) }))
		}
	}
	k.waitFor("all wait", func() bool { return queued() == services*each })
	bounded("shared connections", len(calls), used()-now, 60<<10)
	// Of the gateway one for each call and two for each connection, at most. The test
	// has one for each of its calls over HTTP/2, and the few of its client.
	if n, most := runtime.NumGoroutine()-routines, 2*services*each+len(calls)+2*len(conns)+100; n > most {
		t.Errorf("%d goroutines for %d held calls, more than %d", n, services*each, most)
	} else {
		t.Logf("%d goroutines for %d held calls, the test's own included", n, services*each)
	}

	r := k.post(fmt.Sprintf("/svc/Cold@%d.0.0", services), body)
	r.must(t, http.StatusServiceUnavailable, fmt.Sprintf("the gateway holds %d calls", services*each))
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	k.get("/svc/Echo/").must(t, http.StatusOK, "hello")
	leave()
	for _, conn := range conns {
		_ = conn.Close()
	}
	for _, r := range calls {
		<-r
	}
	k.waitFor("all left", func() bool { return queued() == 0 })
}

// http2 returns a client that speaks HTTP/2 from the first byte.
func (k *kit) http2() *http.Client {
	var speaks http.Protocols
	speaks.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &speaks, DisableCompression: true}
	k.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// While callers storm a service that is cold, broken or full, those of a warm one
// are answered, all of them.
func TestAWarmServiceDoesNotNoticeAStormOnOthers(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.QueueLength = 20 })
	k.up(k.backend(hello))
	of := func(name string, id service.ID) {
		k.gw.Publish(service.Module{Name: name, Tags: map[string]service.ID{"release": id}, Versions: []service.Version{{ID: id, Module: name, Version: "1.0.0",
			Run: service.Run{Health: service.Health{Path: "/", StartDeadline: seconds(600)}}}}})
	}
	of("Cold", "dyn-cold-00000001")
	of("Broken", "dyn-broken-00000001")
	k.gw.Apply(service.State{ID: "dyn-broken-00000001", Count: 1})
	k.gw.Apply(service.State{ID: "dyn-broken-00000001", Count: 1, Failure: &service.Failure{Cause: service.BadImage, Text: "no such image", Final: true, At: time.Now()}})
	k.waitFor("it is broken", func() bool { return k.gw.Load("dyn-broken-00000001").Phase == service.Broken })

	ctx, calm := context.WithCancel(context.Background())
	var storm []<-chan reply
	for i := range 60 {
		path := []string{"/svc/Cold/", "/svc/Broken/"}[i%2]
		storm = append(storm, later(func() (last reply) {
			for ctx.Err() == nil {
				r := k.do(ctx, http.MethodGet, path, "")
				if r.err == nil {
					last = r
				}
			}
			return last
		}))
	}
	k.waitFor("the queue is full", func() bool { return k.gw.Load("dyn-cold-00000001").Queued == 20 })
	for range 100 {
		k.get("/svc/Echo/").must(t, http.StatusOK, "hello")
		k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.hi"}`).must(t, http.StatusOK)
	}
	calm()
	refused := 0
	for _, r := range storm {
		if r := <-r; r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nobody was refused with 503 and Retry-After")
	}
}
