package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// tripped is an answer that was read.
type tripped struct {
	*http.Response
	text string
}

// trip makes one call over a pool as net/http would.
func trip(t *testing.T, p *Pool, method, body string) (tripped, error) {
	t.Helper()
	q := httptest.NewRequestWithContext(t.Context(), method, "http://h/x?y=1", strings.NewReader(body))
	res, err := p.RoundTrip(q, nil)
	if err != nil {
		return tripped{}, err
	}
	text, err := io.ReadAll(res.Body)
	return tripped{res, string(text)}, errors.Join(err, res.Body.Close())
}

func TestARoundTripIsAsNetHTTPsIs(t *testing.T) {
	s := serve(t, "HTTP/1.1 200 OK\nContent-Length: 5\nX-A: 1\nX-A: 2\n\nhello",
		"HTTP/1.1 404 Not Found\nTransfer-Encoding: chunked\nTrailer: Sum, Other\n\n3\nabc\n0\nSum: 42\nUnasked: x\n\n",
		"HTTP/1.1 204 No Content\n\n",
		"HTTP/1.1 200 OK\nContent-Length: 7\n\n",
		"HTTP/1.1 200 OK\nContent-Length: 9\n\nbrokenCLOSE")
	got, err := trip(t, s.pool, http.MethodPost, "ping")
	if err != nil || got.text != "hello" || got.Status != "200 OK" || got.ContentLength != 5 || strings.Join(got.Header["X-A"], " ") != "1 2" || got.Trailer != nil {
		t.Errorf("%+v %v", got, err)
	}
	if asked := <-s.asked; asked != "POST /x?y=1 ping" {
		t.Error(asked)
	}
	got, err = trip(t, s.pool, http.MethodGet, "")
	if err != nil || got.text != "abc" || got.StatusCode != http.StatusNotFound || got.ContentLength != -1 {
		t.Errorf("%+v %v", got, err)
	}
	if other, announced := got.Trailer["Other"]; !announced || other != nil || got.Trailer.Get("Sum") != "42" || got.Trailer.Get("Unasked") != "x" {
		t.Errorf("trailer %v", got.Trailer)
	}
	if got, err = trip(t, s.pool, http.MethodDelete, ""); err != nil || got.text != "" || got.StatusCode != http.StatusNoContent {
		t.Errorf("%+v %v", got, err)
	}
	if got, err = trip(t, s.pool, http.MethodHead, ""); err != nil || got.text != "" || got.ContentLength != 7 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err = trip(t, s.pool, http.MethodGet, ""); !errors.Is(err, io.ErrUnexpectedEOF) || got.text != "broken" {
		t.Errorf("%+v %v", got, err)
	}
	if n := s.dials.Load(); n != 1 {
		t.Errorf("%d connections for five calls", n)
	}
	if _, err = trip(t, s.pool, http.MethodPost, "x"); err == nil || errors.As(err, new(*DialError)) {
		t.Errorf("%v, of a connection that was made", err)
	}
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
		if got, err := trip(t, s.pool, http.MethodPost, "x"); err != nil || got.text != "ok" {
			t.Fatalf("call %d: %q %v", i, got.text, err)
		}
	}
}

func TestARoundTripSaysThatNothingWasSent(t *testing.T) {
	client := &Client{IdleTimeout: time.Minute, IdleEach: 1, IdleAll: 1, HeadLimit: 1 << 10}
	pool := client.Pool(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
	})
	if _, err := trip(t, pool, http.MethodPost, "x"); !errors.As(err, new(*DialError)) {
		t.Errorf("%v", err)
	}
}
