package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

// wholeLimit is how large a body that has come in is sent with its head.
const wholeLimit = 16 << 10

// passing is a request on its way to the leader.
type passing struct {
	r    *Relay
	w    http.ResponseWriter
	q    *http.Request
	said [len(forwarded)][]string // what the request said in these headers
	out  upstream.Request
}

const requestID = "X-Request-Id"

// forwarded are the headers by which proxies say where a request comes from.
var forwarded = [...]string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

func (p *passing) serve() {
	if p.proxied() {
		p.proxy()
		return
	}
	if err := p.take(); err != nil {
		p.refuse(err)
		return
	}
	var conn *upstream.Conn
	err := p.r.find(p.q.Context(), func(l *leader) (err error) {
		conn, err = l.pool.RoundTrip(p.q.Context(), &p.out)
		return err
	})
	switch {
	case errors.Is(err, errHere):
		p.giveBack()
		p.r.ServeHTTP(p.w, p.q)
	case err != nil:
		p.refuse(err)
	default:
		defer conn.Release()
		p.answer(conn)
	}
}

// take makes the request that the leader gets.
func (p *passing) take() error {
	q, out := p.q, &p.out
	id := q.Header[requestID]
	upstream.EndToEnd(q.Header)
	if id != nil { // also if it was named in Connection: it is not between two neighbours
		q.Header[requestID] = id
	}
	for i, name := range forwarded {
		p.said[i] = q.Header[name]
	}
	p.introduce(q.Header)
	out.Method, out.Target, out.Host, out.Header = q.Method, q.RequestURI, q.Host, q.Header
	if !strings.HasPrefix(out.Target, "/") {
		out.Target = q.URL.RequestURI()
	}
	if q.ContentLength == 0 || q.Body == nil {
		return nil
	}
	if q.ContentLength <= wholeLimit && arrived(q.Body) >= q.ContentLength && q.ContentLength > 0 {
		out.Body = make([]byte, q.ContentLength)
		if _, err := io.ReadFull(q.Body, out.Body); err != nil {
			return &upstream.SourceError{Err: err}
		}
		q.Body = io.NopCloser(bytes.NewReader(out.Body)) // for this agent, should it come to lead
		return nil
	}
	out.Stream, out.Length, out.Trailer, out.Cut = q.Body, q.ContentLength, q.Trailer, p.cut
	return nil
}

// arrived is how much of a body a reader need not wait for, if it knows.
func arrived(body io.Reader) int64 {
	if from, ok := body.(interface{ Arrived() int }); ok {
		return int64(from.Arrived())
	}
	return 0
}

// introduce tells the leader where the request comes from.
func (p *passing) introduce(h http.Header) {
	chain, host, proto := p.r.origin(p.q)
	values := []string{chain, host, proto}
	for i, name := range forwarded {
		h[name] = values[i : i+1 : i+1]
	}
}

// giveBack makes the request what it was, for this agent to answer.
func (p *passing) giveBack() {
	for i, name := range forwarded {
		if p.q.Header[name] = p.said[i]; p.said[i] == nil {
			delete(p.q.Header, name)
		}
	}
}

// cut ends the reading of a body that nobody wants any more.
func (p *passing) cut() {
	_ = http.NewResponseController(p.w).SetReadDeadline(time.Now()) // a writer that cannot has no slow sender behind it
}

// answer passes the leader's answer on.
func (p *passing) answer(conn *upstream.Conn) {
	h := p.w.Header()
	flush := conn.CopyHead(h)
	if conn.Uploading() && p.q.ProtoMajor == 1 {
		h["Connection"] = closing // the server would read the rest of the request before it sends the answer
	}
	p.w.WriteHeader(conn.Status)
	if ended, err := conn.CopyBody(p.w, flush, nil); !ended {
		if err != nil && p.q.Context().Err() == nil {
			p.r.log.Debug("an answer of the leader broke off", "error", err)
		}
		panic(http.ErrAbortHandler) // the only way to tell the server
	}
}

var closing = []string{"close"}

// refuse says why the leader gave no answer.
func (p *passing) refuse(err error) {
	p.r.log.Debug("could not pass a request on", "error", err)
	status := http.StatusBadGateway // something was written: nobody knows what became of it
	switch {
	case errors.As(err, new(*upstream.SourceError)):
		status = http.StatusBadRequest
	case errors.Is(err, service.ErrUnavailable), errors.Is(err, context.Canceled):
		status = http.StatusServiceUnavailable
		p.w.Header().Set("Retry-After", "5")
	}
	if status == http.StatusBadGateway {
		err = fmt.Errorf("the agent that leads did not answer, and may have done what was asked: %w", err)
	}
	http.Error(p.w, err.Error(), status)
}
