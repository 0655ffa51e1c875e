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

// trip makes one call over a pool as net/http would.
func trip(t *testing.T, p *Pool, method, body string) (*http.Response, string, error) {
	t.Helper()
	q := httptest.NewRequestWithContext(t.Context(), method, "http://h/x?y=1", strings.NewReader(body))
	res, err := p.RoundTrip(q, nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

func TestARoundTripIsAsNetHTTPsIs(t *testing.T) {
	s := serve(t, "HTTP/1.1 200 OK\nContent-Length: 5\nX-A: 1\nX-A: 2\n\nhello",
		"HTTP/1.1 404 Not Found\nTransfer-Encoding: chunked\nTrailer: Sum, Other\n\n3\nabc\n0\nSum: 42\nUnasked: x\n\n",
		"HTTP/1.1 204 No Content\n\n",
		"HTTP/1.1 200 OK\nContent-Length: 7\n\n",
		"HTTP/1.1 200 OK\nContent-Length: 9\n\nbrokenCLOSE")
	res, text, err := trip(t, s.pool, http.MethodPost, "ping")
	if err != nil || text != "hello" || res.Status != "200 OK" || res.ContentLength != 5 || strings.Join(res.Header["X-A"], " ") != "1 2" || res.Trailer != nil {
		t.Errorf("%+v %q %v", res, text, err)
	}
	if asked := <-s.asked; asked != "POST /x?y=1 ping" {
		t.Error(asked)
	}
	res, text, err = trip(t, s.pool, http.MethodGet, "")
	if err != nil || text != "abc" || res.StatusCode != 404 || res.ContentLength != -1 {
		t.Errorf("%+v %q %v", res, text, err)
	}
	if other, announced := res.Trailer["Other"]; !announced || other != nil || res.Trailer.Get("Sum") != "42" || res.Trailer.Get("Unasked") != "x" {
		t.Errorf("trailer %v", res.Trailer)
	}
	if res, text, err = trip(t, s.pool, http.MethodDelete, ""); err != nil || text != "" || res.StatusCode != 204 {
		t.Errorf("%+v %q %v", res, text, err)
	}
	if res, text, err = trip(t, s.pool, http.MethodHead, ""); err != nil || text != "" || res.ContentLength != 7 {
		t.Errorf("%+v %q %v", res, text, err)
	}
	if _, text, err = trip(t, s.pool, http.MethodGet, ""); !errors.Is(err, io.ErrUnexpectedEOF) || text != "broken" {
		t.Errorf("%q %v", text, err)
	}
	if n := s.dials.Load(); n != 1 {
		t.Errorf("%d connections for five calls", n)
	}
	var dead *DialError
	if _, _, err = trip(t, s.pool, http.MethodPost, "x"); errors.As(err, &dead) {
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
	for range answers {
		if _, text, err := trip(t, s.pool, http.MethodPost, "x"); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
		time.Sleep(time.Millisecond) // its end is under way
	}
}

func TestARoundTripSaysThatNothingWasSent(t *testing.T) {
	client := &Client{IdleTimeout: time.Minute, IdleEach: 1, IdleAll: 1, HeadLimit: 1 << 10}
	pool := client.Pool(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
	})
	var dead *DialError
	if _, _, err := trip(t, pool, http.MethodPost, "x"); !errors.As(err, &dead) {
		t.Errorf("%v", err)
	}
}
