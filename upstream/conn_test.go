package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

const okAnswer = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"

func TestAConnectionIsUsedAgainUnlessTheOtherSideClosedIt(t *testing.T) {
	s := serve(t, okAnswer, okAnswer+"CLOSE", okAnswer)
	for i, want := range []int64{1, 1, 2} {
		if i == 2 { // the end has to come in before it can be seen
			waitFor(t, func() bool { return s.pool.idle[0].stale() })
		}
		if _, body, _, err := s.ask(get()); err != nil || body != "ok" || s.dials.Load() != want {
			t.Fatalf("call %d: %q, %v, %d dials", i, body, err, s.dials.Load())
		}
	}
}

func TestAConnectionOnWhichSomethingCameUnaskedIsNotUsedAgain(t *testing.T) {
	s := serve(t, okAnswer, okAnswer)
	c, err := s.pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Send(get()), c.ReadHead()); err != nil {
		t.Fatal(err)
	}
	if _, err := all(c); err != nil {
		t.Fatal(err)
	}
	peer, ours := net.Pipe() // cannot be looked at: what is buffered tells
	c.in.Reset(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n\r\n"), ours))
	_, _ = c.in.Peek(1)
	c.Release()
	_, _ = peer.Close(), ours.Close()
	if _, _, reused, err := s.ask(get()); err != nil || reused {
		t.Errorf("reused %v, %v", reused, err)
	}
}

func TestIdleConnectionsAreClosedInTimeAndBoundedInNumber(t *testing.T) {
	s := serve(t, okAnswer, okAnswer, okAnswer, okAnswer, okAnswer, okAnswer, okAnswer, okAnswer)
	s.pool.client.IdleEach, s.pool.client.IdleAll = 3, 2
	var open []*Conn
	for range 4 {
		c, err := s.pool.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Send(get()), c.ReadHead()); err != nil {
			t.Fatal(err)
		}
		if _, err := all(c); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	for _, c := range open {
		c.Release()
	}
	if n := len(s.pool.idle); n != 2 {
		t.Errorf("%d idle, want 2", n)
	}
	s.pool.client.IdleTimeout = time.Nanosecond
	if _, _, reused, err := s.ask(get()); err != nil || reused {
		t.Errorf("reused %v, %v", reused, err)
	}
	waitFor(t, func() bool { s.pool.reap(); return s.pool.client.idle.Load() == 0 })
}

func TestNothingIsLeftOpenAfterClose(t *testing.T) {
	s := serve(t, okAnswer, okAnswer)
	c, err := s.pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Send(get()), c.ReadHead()); err != nil {
		t.Fatal(err)
	}
	_, _ = all(c)
	s.pool.Close()
	c.Release()
	if n := s.pool.client.idle.Load(); n != 0 || len(s.pool.idle) != 0 {
		t.Errorf("%d idle", n)
	}
}

func TestARequestIsWrittenAsItWasGiven(t *testing.T) {
	tests := []struct {
		name string
		r    Request
		want string // lines in order of the alphabet, then the body
	}{
		{"GET", Request{Method: "GET", Target: "/a?b", Host: "h", Header: http.Header{"A": {"1", "2"}, "Content-Length": {"9"}, "Transfer-Encoding": {"x"}}},
			"GET /a?b HTTP/1.1|A: 1|A: 2|Host: h||"},
		{"empty POST", Request{Method: "POST", Target: "/", Host: "h"}, "POST / HTTP/1.1|Content-Length: 0|Host: h||"},
		{"body", Request{Method: "PUT", Target: "/", Host: "h", Body: []byte("xyz")}, "PUT / HTTP/1.1|Content-Length: 3|Host: h||xyz"},
		{"stream", Request{Method: "PUT", Target: "/", Host: "h", Stream: strings.NewReader("xyz"), Length: 3}, "PUT / HTTP/1.1|Content-Length: 3|Host: h||xyz"},
		{"chunks", Request{Method: "PUT", Target: "/", Host: "h", Stream: strings.NewReader("xyz"), Length: -1, Trailer: http.Header{"Sum": {"7"}}},
			"PUT / HTTP/1.1|Host: h|Trailer: Sum|Transfer-Encoding: chunked||3|xyz|0|Sum: 7||"},
		{"split header", Request{Method: "GET", Target: "/", Host: "h", Header: http.Header{"A": {"1\r\nB: 2"}}}, "GET / HTTP/1.1|A: 1  B: 2|Host: h||"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wire(t, &tt.r)
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			first, rest := lines[0], lines[1:]
			for i := range rest { // a header has no order
				for j := range i {
					if rest[i] < rest[j] {
						rest[i], rest[j] = rest[j], rest[i]
					}
				}
			}
			if got := strings.Join(append([]string{first}, rest...), "|") + "||" + strings.ReplaceAll(body, "\r\n", "|"); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
	for _, r := range []Request{{Method: "GET", Target: "/ HTTP/1.1\r\nX: ", Host: "h"}, {Method: "G T", Target: "/", Host: "h"}, {Method: "GET", Target: "/", Host: "h\n"}} {
		s := serve(t)
		c, err := s.pool.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(&r); err == nil || !c.Unsent() {
			t.Errorf("%+v was sent", r)
		}
		c.Release()
	}
}

// wire returns the bytes of a request.
func wire(t *testing.T, r *Request) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	text := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		var raw strings.Builder
		req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &raw)))
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		text <- raw.String()
	}()
	client := &Client{IdleTimeout: time.Minute, HeadLimit: 1 << 10}
	pool := client.Pool(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	})
	defer pool.Close()
	c, err := pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	if err := errors.Join(c.Send(r), c.ReadHead()); err != nil {
		t.Fatal(err)
	}
	return <-text
}

func TestACallEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	pool := pooled(server)
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := pool.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c.Watch(ctx)
	if err := errors.Join(c.Send(get()), c.ReadHead()); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := all(c); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	c.Release()
	if n := len(pool.idle); n != 0 {
		t.Errorf("%d idle", n)
	}
}

func pooled(s *httptest.Server) *Pool {
	client := &Client{IdleTimeout: time.Minute, IdleEach: 4, IdleAll: 4, HeadLimit: 1 << 20}
	return client.Pool(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
	})
}

// slow is a body of which only the beginning comes, until it is cut.
type slow struct {
	text io.Reader
	cut  chan struct{}
}

func (s *slow) Read(p []byte) (int, error) {
	if n, err := s.text.Read(p); err == nil {
		return n, nil
	}
	<-s.cut
	return 0, errors.New("cut")
}

func TestAnAnswerIsHeardBeforeTheBodyIsSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "no thanks", http.StatusRequestEntityTooLarge)
	}))
	defer server.Close()
	pool := pooled(server)
	defer pool.Close()
	for _, length := range []int64{1 << 30, -1} {
		body := &slow{strings.NewReader(strings.Repeat("x", 300_000)), make(chan struct{})}
		c, err := pool.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cuts := 0
		r := &Request{Method: "POST", Target: "/", Host: "h", Stream: body, Length: length, Cut: func() { cuts++; close(body.cut) }}
		if err := errors.Join(c.Send(r), c.ReadHead()); err != nil {
			t.Fatal(err)
		}
		if text, err := all(c); err != nil || c.Status != 413 || text != "no thanks\n" || !c.Uploading() {
			t.Errorf("%d %q, %v", c.Status, text, err)
		}
		c.Release() // does not return while the body is read
		if cuts != 1 {
			t.Errorf("%d cuts", cuts)
		}
	}
}

func TestACallEndsWhenItsInstanceDiesUnderTheBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 10))
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	pool := pooled(server)
	defer pool.Close()
	body := &slow{strings.NewReader("0123456789"), make(chan struct{})}
	c, err := pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Method: "POST", Target: "/", Host: "h", Stream: body, Length: 1 << 30, Cut: func() { close(body.cut) }}
	if err := errors.Join(c.Send(r), c.ReadHead()); err == nil || errors.As(err, new(*SourceError)) {
		t.Errorf("got %v", err)
	}
	c.Release()
}

func TestABodyThatBreaksOffIsTheCallersFault(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Error("a part was taken for the whole")
		}
	}))
	defer server.Close()
	pool := pooled(server)
	defer pool.Close()
	broken := errors.New("broken")
	for name, r := range map[string]*Request{
		"error":     {Stream: io.MultiReader(strings.NewReader("x"), &failing{broken}), Length: -1},
		"too short": {Stream: strings.NewReader("x"), Length: 2},
		"too long":  {Stream: strings.NewReader(strings.Repeat("x", 70_000)), Length: 65_000},
	} {
		r.Method, r.Target, r.Host = "POST", "/", "h"
		c, err := pool.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Send(r), c.ReadHead()); !errors.As(err, new(*SourceError)) {
			t.Errorf("%s: %v", name, err)
		}
		c.Release()
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestLargeBodiesComeThroughWhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %v", text, err)
	}))
	defer server.Close()
	pool := pooled(server)
	defer pool.Close()
	text := strings.Repeat("0123456789abcdef", 10_000)
	for i, r := range []*Request{
		{Body: []byte(text)}, {Stream: strings.NewReader(text), Length: int64(len(text))}, {Stream: strings.NewReader(text), Length: -1},
	} {
		r.Method, r.Target, r.Host = "POST", "/", "h"
		c, err := pool.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Send(r), c.ReadHead()); err != nil {
			t.Fatal(err)
		}
		if got, err := all(c); err != nil || got != text+" <nil>" {
			t.Errorf("%d: %d bytes, %v", i, len(got), err)
		}
		c.Release()
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(15*time.Second), time.NewTicker(time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-limit.C:
			t.Fatal("it never came")
		case <-tick.C:
		}
	}
}
