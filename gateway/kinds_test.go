package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/service"
)

// h2c starts an instance that speaks HTTP/2 without TLS and nothing else.
func (k *kit) h2c(h http.HandlerFunc) string {
	k.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	var speaks http.Protocols
	speaks.SetUnencryptedHTTP2(true)
	s := &http.Server{Handler: h, Protocols: &speaks}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	k.t.Cleanup(func() { _ = s.Close(); <-done })
	return l.Addr().String()
}

func asksForHTTP2(s *setup) { s.version.Run.Protocol = service.H2C }

// ways are how a caller speaks to the gateway and the gateway to the service.
func ways(t *testing.T, each func(t *testing.T, k *kit, client *http.Client, backend func(http.HandlerFunc) string)) {
	for _, in := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, out := range []string{"HTTP/1.1", "HTTP/2"} {
			t.Run(in+" to "+out, func(t *testing.T) {
				var k *kit
				var backend func(http.HandlerFunc) string
				if out == "HTTP/2" {
					k = newKit(t, asksForHTTP2)
					backend = k.h2c
				} else {
					k = newKit(t)
					backend = k.backend
				}
				client := k.client
				if in == "HTTP/2" {
					client = k.http2()
				}
				each(t, k, client, backend)
			})
		}
	}
}

func TestACallKeepsItsHeadersAndBodyOnEveryWay(t *testing.T) {
	ways(t, func(t *testing.T, k *kit, client *http.Client, backend func(http.HandlerFunc) string) {
		k.up(backend(mirror))
		for _, path := range []string{"/svc/Echo", "/svc/Echo/a%2Fb?x=1;y"} {
			for _, body := range []string{"", `{"version":"1.1","method":"Echo.hi","id":"1"}`, strings.Repeat("x", 300<<10)} {
				method := http.MethodGet
				if body != "" {
					method = http.MethodPost
				}
				req, err := http.NewRequestWithContext(t.Context(), method, k.url+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-Mine", "1")
				req.Header.Set("X-Dynsvc-User", "root")
				r := send(client, req)
				r.must(t, http.StatusOK, "\nX-Mine: 1\r\n", "\n"+body, "X-Forwarded-Prefix: /svc/Echo\r\n", method+" /"+strings.TrimPrefix(path, "/svc/Echo")[min(1, len(path)-len("/svc/Echo")):]+"\n")
				if strings.Contains(r.body, "X-Dynsvc-User") || r.header.Get("X-Request-Id") == "" {
					t.Errorf("header of another: %.500s, answer %v", r.body, r.header)
				}
			}
		}
	})
}

func TestTrailersPassInBothDirections(t *testing.T) {
	ways(t, func(t *testing.T, k *kit, client *http.Client, backend func(http.HandlerFunc) string) {
		k.up(backend(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			n, _ := io.Copy(w, r.Body)
			w.Header().Set("X-Sum", fmt.Sprint(n, " ", r.Trailer.Get("X-Count")))
		}))
		from, to := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/svc/Echo/x", from)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Te", "trailers")
		req.Trailer = http.Header{"X-Count": nil}
		go func() {
			_, _ = io.WriteString(to, "payload")
			req.Trailer.Set("X-Count", "seven")
			_ = to.Close()
		}()
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != "payload" {
			t.Errorf("body %q, %v", body, err)
		}
		if got := res.Trailer.Get("X-Sum"); got != "7 seven" {
			t.Errorf("trailer %q of %v", got, res.Trailer)
		}
	})
}

// As gRPC does: both sides send while the other does, and a status follows.
func TestTwoWayStreamsPassOverHTTP2(t *testing.T) {
	k := newKit(t, asksForHTTP2)
	k.up(k.h2c(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_ = http.NewResponseController(w).Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = fmt.Fprintf(w, "re: %s\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Status", "0")
	}))
	from, to := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/svc/Echo/pkg.Service/Chat", from)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Te", "trailers")
	res, err := k.http2().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for i := range 5 {
		_, _ = fmt.Fprintf(to, "%d\n", i)
		if !lines.Scan() || lines.Text() != fmt.Sprint("re: ", i) {
			t.Fatalf("line %d: %q, %v", i, lines.Text(), lines.Err())
		}
	}
	if n := k.load().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	_ = to.Close()
	if lines.Scan() {
		t.Errorf("more: %q", lines.Text())
	}
	if got := res.Trailer.Get("Grpc-Status"); got != "0" {
		t.Errorf("trailers %v", res.Trailer)
	}
}

// A caller that asks whether to send its body hears yes only when its call is
// passed on, and nothing but the answer if it is not.
func TestABodyIsAskedForWhenItIsWanted(t *testing.T) {
	k := newKit(t)
	conn := k.dial()
	_, _ = io.WriteString(conn, "POST /svc/Echo/up HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
	k.waitFor("it is held", func() bool { return k.load().Queued == 1 })
	back := bufio.NewReader(conn)
	if n := back.Buffered(); n != 0 {
		t.Errorf("%d bytes came back while it is held", n)
	}
	k.gw.Apply(state(1, k.backend(mirror)))
	line, err := back.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	_, _ = io.WriteString(conn, "payload")
	if _, err := back.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(back, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "\npayload") || strings.Contains(string(body), "Expect") {
		t.Errorf("%s: %s", res.Status, body)
	}
	refused := k.raw("POST /svc/Nobody/up HTTP/1.1\nHost: h\nContent-Length: 7\nConnection: close\nExpect: 100-continue\n\n")
	if !strings.HasPrefix(refused, "HTTP/1.1 404 ") {
		t.Errorf("got %s", refused)
	}
}

// A WebSocket goes to a service that speaks HTTP/2 as it would to any: over
// HTTP/1.1, which such servers speak as well.
func TestWebSocketsPassToServicesThatSpeakBoth(t *testing.T) {
	k := newKit(t, asksForHTTP2)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var speaks http.Protocols
	speaks.SetHTTP1(true)
	speaks.SetUnencryptedHTTP2(true)
	up := websocket.Upgrader{}
	s := &http.Server{Protocols: &speaks, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			_ = conn.WriteMessage(websocket.TextMessage, []byte("hello"))
			_ = conn.Close()
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	k.up(l.Addr().String())
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(k.url, "http", "ws", 1)+"/svc/Echo/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, text, err := conn.ReadMessage(); err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
	_ = conn.Close()
}

func TestAnHTTP2InstanceThatIsGoneIsLeft(t *testing.T) {
	k := newKit(t, asksForHTTP2)
	k.up(k.h2c(named("one")), dead2(k))
	for range 20 {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, k.url+"/svc/Echo/x", strings.NewReader("payload"))
		if err != nil {
			t.Fatal(err)
		}
		send(k.client, req).must(t, http.StatusOK, "one")
	}
	if n := k.load().Ready; n != 1 {
		t.Errorf("%d ready", n)
	}
}

// dead2 is an instance that answers one probe and is gone.
func dead2(k *kit) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	var speaks http.Protocols
	speaks.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: &speaks}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = l.Close()
		w.Header().Set("Connection", "close")
	})
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	k.t.Cleanup(func() { _ = s.Close(); <-done })
	return l.Addr().String()
}
