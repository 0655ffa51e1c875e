package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/service"
)

// mirror answers with the request as it came in.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s\nHost: %s\n", r.Method, r.RequestURI, r.Host)
	_ = r.Header.Write(w)
	_, _ = fmt.Fprintf(w, "\n%s", body)
}

// raw sends bytes to the gateway and returns all that comes back.
func (k *kit) raw(text string) string {
	k.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(k.url, "http://"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		k.t.Fatal(err)
	}
	back, err := io.ReadAll(conn)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(back)
}

func TestWhatAPathReaches(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(mirror))
	tests := []struct{ path, want string }{ // want: the request line the service sees; empty: 404
		{"/svc/Echo", "/"},
		{"/svc/Echo?a=1;b=2&c=%zz", "/?a=1;b=2&c=%zz"},
		{"/svc/Echo/", "/"},
		{"/svc/echo@dev/a/b?x=1", "/a/b?x=1"},
		{"/svc/ECHO@%5E1.0/a", "/a"},
		{"/svc/Echo%401.2.0/a", "/a"},
		{"/svc/Echo@1.x/a", "/a"},
		{"/svc/Echo@4f2a9c1/a", "/a"},
		{"/svc/Echo/a%2Fb%20c;d$e", "/a%2Fb%20c;d$e"},
		{"/svc/Echo//a//b/", "//a//b/"},
		{"/svc/Echo/../Other/", "/../Other/"},
		{"/svc/Echo/%2e%2e/%2e%2e/api", "/%2e%2e/%2e%2e/api"},
		{"/svc/Echo/a?", "/a?"},
		{"/svc/../api/v1/modules", ""},
		{"/svc//Echo/", ""},
		{"/svc/Echo%2Fa", ""},
		{"/svc/%2e%2e/Echo", ""},
		{"/svc/Other/", ""},
		{"/svc/Echo@9.9.9/", ""},
		{"/svc/Echo@dev%2F..%2Fx/", ""},
		{"/svc/", ""},
		{"/svc", ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			for _, method := range []string{"GET", "POST"} {
				got := k.raw(method + " " + tt.path + " HTTP/1.1\nHost: h.example\nConnection: close\nContent-Length: 0\n\n")
				if tt.want == "" {
					if !strings.HasPrefix(got, "HTTP/1.1 404 ") {
						t.Errorf("want 404, got %s", got)
					}
				} else if !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.Contains(got, "\r\n"+method+" "+tt.want+"\n") {
					t.Errorf("want %s, got %s", tt.want, got)
				}
			}
		})
	}
}

func TestHeadersThatAServiceCanTrust(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.Callers = door{"let-me-in": service.Operator("admin")} })
	var seen http.Header
	var mu sync.Mutex
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = r.Header.Clone()
		seen.Set("Host", r.Host)
		mu.Unlock()
		w.Header().Set("X-Request-Id", "the service's")
	}))
	ours := http.Header{
		"Host": {"h.example"}, "X-Forwarded-For": {through("127.0.0.1")}, "X-Forwarded-Host": {"h.example"}, "X-Forwarded-Proto": {"http"},
		"X-Forwarded-Prefix": {"/svc/Echo@dev"}, "X-Real-Ip": {"127.0.0.1"}, "X-Request-Id": {"abc"}, "User-Agent": nil,
	}
	delete(ours, "User-Agent")
	tests := []struct{ name, send, also string }{
		{"plain", "", ""},
		{"forged", "X-Forwarded-For: 6.6.6.6\nX-Forwarded-Host: evil\nX-Forwarded-Prefix: /evil\nX-Real-Ip: 6.6.6.6\nForwarded: for=6.6.6.6\nX-Dynsvc-User: root\n", ""},
		{"forged for WSGI", "X_Forwarded_For: 6.6.6.6\nX-Dynsvc_User: root\nx_dynsvc_user: root\nX_Real_IP: 6.6.6.6\n", ""},
		{"dropped by Connection", "Connection: X-Forwarded-For, X-Forwarded-Prefix, X-Request-Id, X-Real-Ip\n", ""},
		{"hop by hop", "Keep-Alive: 5\nProxy-Authorization: x\nTe: gzip\nExpect: 100-continue\nConnection: Secret\nSecret: 1\n", ""},
		{"admin's token", "Authorization: Bearer let-me-in\n", "X-Dynsvc-User: admin"},
		{"admin's token, bare", "AUTHORIZATION: let-me-in\n", "X-Dynsvc-User: admin"},
		{"a name dropped by Connection", "Authorization: let-me-in\nConnection: X-Dynsvc-User\n", "X-Dynsvc-User: admin"},
		{"a name beside a good token", "Authorization: let-me-in\nX-Dynsvc-User: root\nx-dynsvc_user: root\n", "X-Dynsvc-User: admin"},
		{"a user's token", "Authorization: QWERTY\n", "Authorization: QWERTY"},
		{"h2c", "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\n", ""},
		{"two upgrades", "Connection: Upgrade\nUpgrade: websocket, h2c\n", ""},
		{"upgrade without asking", "Upgrade: websocket\n", ""},
		{"cookies", "Cookie: a=1; b=2\n", "Cookie: a=1; b=2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := k.raw("GET /svc/Echo@dev/x HTTP/1.1\nHost: h.example\nX-Request-Id: abc\nConnection: close\n" + tt.send + "\n")
			if !strings.HasPrefix(got, "HTTP/1.1 200 ") || strings.Count(got, "X-Request-Id: abc\r\n") != 1 || strings.Contains(got, "the service's") {
				t.Errorf("answer %s", got)
			}
			want := ours.Clone()
			if name, value, ok := strings.Cut(tt.also, ": "); ok {
				want.Set(name, value)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("the service saw (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARequestIDIsMadeWhereTheCallersIsNotSane(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(mirror))
	for _, id := range []string{"", "a b", "x\"y", strings.Repeat("x", 200), "é"} {
		r := k.get("/svc/Echo/", "X-Request-Id", id)
		got := r.header.Get("X-Request-Id")
		if len(got) != 16 {
			t.Errorf("for %q: X-Request-Id %q", id, got)
		}
		r.must(t, http.StatusOK, "X-Request-Id: "+got)
	}
}

func TestWebSocketsPassAndCountAsInFlight(t *testing.T) {
	k := newKit(t)
	up := websocket.Upgrader{}
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if !websocket.IsWebSocketUpgrade(r) {
			return
		}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for {
			kind, text, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if conn.WriteMessage(kind, append([]byte("re: "), text...)) != nil {
				return
			}
		}
	}))
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(k.url, "http", "ws", 1)+"/svc/Echo/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.Header.Get("X-Request-Id") == "" {
		t.Error("no X-Request-Id")
	}
	for _, text := range []string{"one", "two"} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, back, err := conn.ReadMessage(); err != nil || string(back) != "re: "+text {
			t.Fatalf("got %q, %v", back, err)
		}
	}
	if n := k.load().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if k.gw.Drain(short, echo, 0) {
		t.Error("drained under an open WebSocket")
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
	if !k.gw.Drain(context.Background(), echo, 0) {
		t.Error("not drained after the WebSocket was closed")
	}
}

func TestEventsAreFlushedOneByOne(t *testing.T) {
	k := newKit(t)
	next := make(chan string)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for text := range next {
			_, _ = io.WriteString(w, "data: "+text+"\n\n")
			w.(http.Flusher).Flush()
		}
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.url+"/svc/Echo/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { next <- "0" }()
	res, err := k.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) || !lines.Scan() {
			t.Fatalf("event %d: %q, %v", i, lines.Text(), lines.Err())
		}
		if i < 2 {
			next <- fmt.Sprint(i + 1)
		}
	}
	if n := k.load().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
	close(next)
}

func TestRangesAndEarlyHintsAndStatusesPass(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
	}))
	r := k.get("/svc/Echo/x", "Range", "bytes=2-4")
	r.must(t, http.StatusPartialContent)
	if r.body != "234" || r.header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("got %q, %v", r.body, r.header)
	}
}

func TestACallerWhoLeavesIsNoErrorAndCancelsTheCall(t *testing.T) {
	k := newKit(t)
	arrived, canceled := make(chan struct{}), make(chan struct{})
	k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-r.Context().Done()
			close(canceled)
		}
	}))
	ctx, leave := context.WithCancel(context.Background())
	call := later(func() reply { return k.do(ctx, http.MethodGet, "/svc/Echo/slow", "") })
	<-arrived
	leave()
	<-canceled
	<-call
	k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
	if p := k.phase(); p != service.Ready {
		t.Errorf("phase %s", p)
	}
}

func TestAnAnswerThatBreaksOffIsCutOffForTheCallerToo(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	r := k.get("/svc/Echo/broken")
	if r.err == nil {
		t.Errorf("answer %+v", r)
	}
	k.waitFor("the lease came back", func() bool { return k.load().InFlight == 0 })
}

func TestTheMeshHasAPoolOfItsOwnForEachServiceAndDropsItWithItsCertificates(t *testing.T) {
	var dials atomic.Int64
	var generation atomic.Uint64
	k := newKit(t, func(s *setup) {
		s.opts.DialMesh = func(ctx context.Context, id service.ID, addr string) (net.Conn, error) {
			if id != echo {
				return nil, fmt.Errorf("asked for %s", id)
			}
			dials.Add(1)
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}
		s.opts.MeshChanged = generation.Load
	})
	st := state(1, k.backend(mirror))
	st.Endpoints[0].Transport = service.Mesh
	k.gw.Apply(st)
	k.get("/svc/Echo/").must(t, http.StatusOK)
	k.get("/svc/Echo/").must(t, http.StatusOK)
	if n := dials.Load(); n != 1 {
		t.Errorf("%d dials before the change", n)
	}
	generation.Add(1)
	k.get("/svc/Echo/").must(t, http.StatusOK)
	if n := dials.Load(); n != 2 {
		t.Errorf("%d dials after the change", n)
	}
	k.gw.Apply(state(0))
	if p := k.phase(); p != service.Idle {
		t.Errorf("phase %s", p)
	}
}

func TestCloseRefusesNewCallsAndWaitsForOpenOnes(t *testing.T) {
	k := newKit(t)
	arrived, proceed := make(chan struct{}), make(chan struct{})
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-proceed
		}
		hello(w, r)
	}))
	slow := later(func() reply { return k.get("/svc/Echo/slow") })
	<-arrived
	short, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if err := k.gw.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	r := k.get("/svc/Echo/")
	r.must(t, http.StatusServiceUnavailable, "shutting down")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(proceed)
	(<-slow).must(t, http.StatusOK)
	if err := k.gw.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}
