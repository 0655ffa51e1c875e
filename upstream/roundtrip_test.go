package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// trip makes one call over a pool and reads its answer.
func trip(t *testing.T, p *Pool, r *Request) (string, error) {
	t.Helper()
	r.Target, r.Host = "/x?y=1", "h"
	conn, err := p.RoundTrip(t.Context(), r)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	return all(conn)
}

func body(method, text string) *Request { return &Request{Method: method, Body: []byte(text)} }

// What died without a word is sent again only if it may arrive twice.
func TestARoundTripIsRepeatedOnlyIfItMayBe(t *testing.T) {
	const good, dies = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "CLOSE"
	for name, tt := range map[string]struct {
		r    *Request
		sent int
	}{
		"changes nothing":   {body(http.MethodGet, ""), 2},
		"changes things":    {body(http.MethodPost, "x"), 1},
		"its maker says so": {&Request{Method: http.MethodPost, Body: []byte("x"), Repeat: true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, good, dies, good)
			if _, err := trip(t, s.pool, body(http.MethodPost, "first")); err != nil {
				t.Fatal(err)
			}
			<-s.asked
			text, err := trip(t, s.pool, tt.r)
			if again := tt.sent == 2; (err == nil) != again || again && text != "ok" || errors.As(err, new(*DialError)) {
				t.Errorf("%q, %v", text, err)
			}
			if n := len(s.asked); n != tt.sent {
				t.Errorf("sent %d times, want %d", n, tt.sent)
			}
		})
	}
}

// A body that waits to be asked for is not read before, and not at all where the answer
// needs none.
func TestABodyWaitsToBeAskedFor(t *testing.T) {
	near, far := net.Pipe()
	client := &Client{IdleTimeout: time.Minute, HeadLimit: 1 << 10}
	pool := client.Pool(func(context.Context) (net.Conn, error) { return near, nil })
	source := make(pulled, 1)
	go func() {
		in := bufio.NewReader(far)
		if _, err := http.ReadRequest(in); err != nil {
			t.Error(err)
		}
		select {
		case <-source:
			t.Error("the body was read before it was asked for")
		default:
		}
		_, _ = io.WriteString(far, "HTTP/1.1 100 Continue\r\n\r\n") // read below
		if got, err := in.ReadString('\n'); err != nil || got != "hello\n" {
			t.Errorf("%q, %v", got, err)
		}
		_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // read below
	}()
	ask := func() *Request {
		return &Request{Method: http.MethodPost, Target: "/", Host: "h", Stream: source, Length: 6, Header: http.Header{"Expect": {"100-continue"}}}
	}
	if text, err := trip(t, pool, ask()); err != nil || text != "ok" {
		t.Errorf("%q, %v", text, err)
	}

	s := serve(t)
	refusing, refused := net.Pipe()
	s.pool.dial = func(context.Context) (net.Conn, error) { return refusing, nil }
	go func() {
		if _, err := http.ReadRequest(bufio.NewReader(refused)); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(refused, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno") // read below
	}()
	source = make(pulled, 1)
	conn, err := s.pool.RoundTrip(t.Context(), ask())
	if err != nil || conn.Status != http.StatusRequestEntityTooLarge || !conn.Uploading() {
		t.Fatalf("%v", err)
	}
	conn.Release()
	if len(source) > 0 || len(s.pool.idle) > 0 {
		t.Error("the body was read, or the connection kept though the other side may wait for it")
	}
}

// pulled is a body that notes that it was read.
type pulled chan struct{}

func (p pulled) Read(b []byte) (int, error) {
	select {
	case p <- struct{}{}:
	default:
	}
	return copy(b, "hello\n"), nil
}

// A connection that dies while nobody uses it costs no call, whatever the call is.
func TestARoundTripIsNotWrittenToAClosedConnection(t *testing.T) {
	answers := make([]string, 0, 40)
	for range cap(answers) {
		answers = append(answers, "HTTP/1.1 200 OK\nContent-Length: 2\n\nokCLOSE")
	}
	s := serve(t, answers...)
	for i := range answers {
		if i > 0 { // the end has to come in before it can be seen
			waitFor(t, func() bool { return s.pool.idle[0].stale() })
		}
		if got, err := trip(t, s.pool, body(http.MethodPost, "x")); err != nil || got != "ok" {
			t.Fatalf("call %d: %q %v", i, got, err)
		}
	}
}

func TestARoundTripSaysThatNothingWasSent(t *testing.T) {
	client := &Client{IdleTimeout: time.Minute, IdleEach: 1, IdleAll: 1, HeadLimit: 1 << 10}
	pool := client.Pool(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
	})
	if _, err := trip(t, pool, body(http.MethodPost, "x")); !errors.As(err, new(*DialError)) {
		t.Errorf("%v", err)
	}
}
