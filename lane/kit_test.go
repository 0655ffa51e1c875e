package lane_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/lane"
)

// pipes is a listener without a network, for tests in a bubble of their own time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects to who accepts.
func (p *pipes) dial() net.Conn {
	mine, theirs := net.Pipe()
	p.conns <- theirs
	return mine
}

// served is a server with a lane before it. Both say who answered in the header By.
type served struct {
	*pipes
	lane *lane.Listener
	srv  *http.Server
	log  bytes.Buffer // of the lane, to be read after stop
	stop func()
}

func by(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("By", name)
		h.ServeHTTP(w, r)
	})
}

// serve serves until the test ends, or stop is called.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*http.Server)) *served {
	t.Helper()
	var speaks http.Protocols
	speaks.SetHTTP1(true)
	speaks.SetUnencryptedHTTP2(true)
	s := &served{pipes: newPipes(), srv: &http.Server{Handler: by("net/http", h), Protocols: &speaks}}
	for _, f := range change {
		f(s.srv)
	}
	s.lane = lane.New(s.pipes, s.srv, by("lane", h), hclog.New(&hclog.LoggerOptions{Output: &s.log}), "/svc/")
	ended := make(chan error, 1)
	go func() { ended <- s.srv.Serve(s.lane) }()
	s.stop = sync.OnceFunc(func() {
		if err := errors.Join(s.srv.Close(), s.lane.Abort()); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := s.lane.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) { // the lane may have been closed first
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// client is the caller's side of a connection.
type client struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func (s *served) client(t *testing.T) *client {
	conn := s.dial()
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t, conn, bufio.NewReader(conn)}
}

// say sends text; a pipe gives it on in one piece.
func (c *client) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// said is an answer.
type said struct {
	status int
	by     string
	closes bool // the connection
	body   string
}

// hear reads the answer to a request.
func (c *client) hear(method string) said {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("read the body: %v", err)
	}
	return said{res.StatusCode, res.Header.Get("By"), res.Close, string(text)}
}

// ends waits for the other side to close the connection.
func (c *client) ends() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Errorf("it goes on with %q, %v", rest, err)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(text))
}
