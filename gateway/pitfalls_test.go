package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// switching starts an instance that takes a connection over: it says what, and then
// repeats each line.
func (k *kit) switching(head string) string {
	return k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" { // a probe
			return
		}
		conn, text, err := http.NewResponseController(w).Hijack()
		if err != nil {
			k.t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n"))
		for {
			line, err := text.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "re: "+line)
		}
	})
}

const (
	asking  = "GET /svc/Echo/chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	granted = "HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\nKeep-Alive: timeout=5\nProxy-Authenticate: x\n\n"
)

// What a caller sends behind its request, before the upgrade was granted, arrives, and
// headers that are between the gateway and the service only do not.
func TestNothingIsLostAsACallIsUpgraded(t *testing.T) {
	k := newKit(t)
	k.up(k.switching(granted))
	conn := k.dial()
	if _, err := io.WriteString(conn, asking+"early\r\n"); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	for _, hop := range []string{"Keep-Alive", "Proxy-Authenticate"} {
		if got := res.Header.Get(hop); got != "" {
			t.Errorf("%s: %s came through", hop, got)
		}
	}
	for _, want := range []string{"re: early\r\n", "re: late\r\n"} {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if got, err := from.ReadString('\n'); err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		_, _ = io.WriteString(conn, "late\r\n")
	}
	_ = conn.Close()
	k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
}

// An upgrade that the service refuses is an answer like another, and leaves nothing
// behind; one that it grants to something else is none.
func TestAnUpgradeThatIsRefusedIsAnAnswer(t *testing.T) {
	for head, want := range map[string]string{
		"HTTP/1.1 403 Forbidden\nContent-Length: 3\n\nno\n":                       "HTTP/1.1 403 Forbidden",
		"HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: h2c\n\n": "HTTP/1.1 502 Bad Gateway",
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n":                              "HTTP/1.1 200 OK",
	} {
		t.Run(want, func(t *testing.T) {
			k := newKit(t)
			k.up(k.switching(head))
			conn := k.dial()
			_, _ = io.WriteString(conn, asking)
			if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || strings.TrimSpace(line) != want {
				t.Errorf("got %q, %v", line, err)
			}
			_ = conn.Close()
			k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
		})
	}
}

// WebSockets are bounded by what each instance may have in flight, as calls are.
func TestWebSocketsAreBoundedAsCallsAre(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Scale.MaxConcurrency = 2
		s.version.Limits.Wait = seconds(0.2)
	})
	k.up(k.switching(granted))
	open := func() (net.Conn, string) {
		conn := k.dial()
		_, _ = io.WriteString(conn, asking)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return conn, line
	}
	var conns []net.Conn
	for range 2 {
		conn, line := open()
		if !strings.Contains(line, " 101 ") {
			t.Fatalf("got %q", line)
		}
		conns = append(conns, conn)
	}
	if _, line := open(); !strings.Contains(line, " 504 ") {
		t.Errorf("a third: %q", line)
	}
	_ = conns[0].Close()
	k.waitFor("there is room again", func() bool { _, line := open(); return strings.Contains(line, " 101 ") })
}

// A bound on reading or writing would count the time in which a call is held.
func TestTheServerBoundsNeitherReadingNorWriting(t *testing.T) {
	s := gateway.Server(nil, nullLog())
	if s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("reading %s, writing %s, idle %s, header %d bytes", s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
}

// A store that does not come back holds up nobody.
func TestCallsDoNotWaitForTheirRecord(t *testing.T) {
	recording, proceed := make(chan struct{}, 1), make(chan struct{})
	k := newKit(t, func(s *setup) {
		s.opts.Record = func([]service.Sample) {
			select {
			case recording <- struct{}{}:
			default:
			}
			<-proceed
		}
	})
	defer close(proceed)
	k.up(k.backend(hello))
	k.get("/svc/Echo/").must(t, http.StatusOK)
	k.waitFor("usage is being recorded", func() bool { return len(recording) == 1 })
	for range 100 {
		k.get("/svc/Echo/").must(t, http.StatusOK, "hello")
	}
}

// Callers that come in a tight loop are told when to come again, each time.
func TestEveryRefusalThatWillPassSaysWhenToComeAgain(t *testing.T) {
	tests := []struct {
		name   string
		make   func(k *kit)
		status int
		says   string
		again  bool
	}{
		{"broken", func(k *kit) {
			k.gw.Apply(state(1))
			k.gw.Apply(service.State{ID: echo, Registered: true, Count: 1, Failure: &service.Failure{Cause: service.BadImage, Text: "no such image", Final: true, At: time.Now()}})
		}, http.StatusServiceUnavailable, "no such image", true},
		{"full", func(k *kit) {
			for range 2 {
				conn := k.dial()
				_, _ = io.WriteString(conn, "GET /svc/Echo/ HTTP/1.1\r\nHost: h\r\n\r\n")
			}
			k.waitFor("two wait", func() bool { return k.load().Queued == 2 })
		}, http.StatusServiceUnavailable, "has 2 calls waiting", true},
		{"late", func(*kit) {}, http.StatusGatewayTimeout, `had no instance free within 50ms`, false},
		{"stopped", func(k *kit) { k.gw.SetStopped(echo, true) }, http.StatusServiceUnavailable, "was stopped by an admin", false},
		{"closing", func(k *kit) { _ = k.gw.Close(k.t.Context()) }, http.StatusServiceUnavailable, "shutting down", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, func(s *setup) {
				s.opts.QueueLength = 2
				if tt.name == "late" {
					s.version.Limits.Wait = seconds(0.05)
				}
			})
			tt.make(k)
			r := k.get("/svc/Echo/")
			r.must(t, tt.status, tt.says)
			if got := r.header.Get("Retry-After"); (got != "") != tt.again {
				t.Errorf("Retry-After %q", got)
			}
			if !strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") {
				t.Errorf("a %s", r.header.Get("Content-Type"))
			}
			if w := k.get("/svc/Echo/"); w.status != tt.status {
				t.Errorf("and then %s", fmt.Sprint(w.status))
			}
		})
	}
}
