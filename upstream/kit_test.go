package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// script is a server that reads one request after the other and answers each
// with the next of its texts, whatever was asked.
type script struct {
	pool  *Pool
	dials atomic.Int64
	asked chan string // the heads that came in
}

// serve starts a script. "\n" in answers is sent as "\r\n", "LF" as "\n". An answer that ends
// with "CLOSE" closes the connection after it, and one that is "CLOSE" does so
// without an answer.
func serve(t *testing.T, answers ...string) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{asked: make(chan string, 100)}
	client := &Client{IdleTimeout: time.Minute, IdleEach: 4, IdleAll: 100, HeadLimit: 8 << 10}
	s.pool = client.Pool(func(ctx context.Context) (net.Conn, error) {
		s.dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	})
	next := make(chan string, len(answers))
	for _, a := range answers {
		next <- a
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.converse(conn, next)
		}
	}()
	t.Cleanup(func() { s.pool.Close(); _ = l.Close(); <-ended })
	return s
}

func (s *script) converse(conn net.Conn, next <-chan string) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(req.Body)
		s.asked <- req.Method + " " + req.RequestURI + " " + string(body)
		select {
		case answer := <-next:
			text, last := strings.CutSuffix(answer, "CLOSE")
			_, _ = io.WriteString(conn, strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), "LF", "\n"))
			if last {
				return
			}
		default:
			return
		}
	}
}

// ask makes one call and returns the status, the body and what went wrong.
func (s *script) ask(r *Request) (status int, body string, reused bool, err error) {
	c, err := s.pool.Get(context.Background())
	if err != nil {
		return 0, "", false, err
	}
	defer c.Release()
	if err := c.Send(r); err != nil {
		return 0, "", c.Reused(), err
	}
	if err := c.ReadHead(); err != nil {
		return 0, "", c.Reused(), err
	}
	status = c.Status
	text, err := all(c)
	return status, text, c.Reused(), err
}

func all(c *Conn) (string, error) {
	var text strings.Builder
	for {
		p, err := c.Next()
		text.Write(p)
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return text.String(), err
		}
	}
}

func get() *Request { return &Request{Method: "GET", Target: "/x", Host: "h"} }
