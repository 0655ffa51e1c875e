package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// RoundTrip sends a request of net/http and returns its answer, whose body is to be
// closed. It is sent once; a connection that was found closed as it was about to be
// written is replaced. With a [DialError] nothing was written, nor read of the body.
// Close of the answer says that its request is still being read, which cut ends;
// it may be nil.
func (p *Pool) RoundTrip(q *http.Request, cut func()) (*http.Response, error) {
	ctx := q.Context()
	out := &Request{Method: q.Method, Target: q.URL.RequestURI(), Host: q.Host, Header: q.Header, Cut: cut}
	if q.Body != nil && q.Body != http.NoBody {
		out.Stream, out.Length, out.Trailer = q.Body, q.ContentLength, q.Trailer
		if q.ContentLength == 0 {
			out.Length = -1 // as net/http has it
		}
	}
	conn, err := p.Get(ctx)
	for err == nil {
		conn.Watch(ctx)
		if err = conn.Send(out); err == nil {
			if err = conn.ReadHead(); err == nil {
				return response(q, conn), nil
			}
		}
		again := conn.Reused() && conn.Unsent() && ctx.Err() == nil
		if conn.Unsent() {
			err = &DialError{err}
		}
		conn.Release()
		if !again {
			break
		}
		conn, err = p.Dial(ctx)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, err
}

// response is an answer as net/http has it.
func response(q *http.Request, conn *Conn) *http.Response {
	res := &http.Response{
		Status: strconv.Itoa(conn.Status) + " " + http.StatusText(conn.Status), StatusCode: conn.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: q,
		Header: make(http.Header, len(conn.Fields)), ContentLength: conn.Length, Close: conn.Uploading(),
	}
	for _, f := range conn.Fields {
		res.Header[f.Name] = append(res.Header[f.Name], f.Value)
	}
	if announced := res.Header["Trailer"]; announced != nil {
		res.Trailer = make(http.Header)
		for name := range strings.SplitSeq(strings.Join(announced, ","), ",") {
			res.Trailer[textproto.CanonicalMIMEHeaderKey(strings.Trim(name, " \t"))] = nil
		}
	}
	res.Body = &body{conn: conn, res: res}
	return res
}

// body is the body of an answer. It is read by one goroutine, which also closes it.
type body struct {
	conn  *Conn // nil: closed
	res   *http.Response
	piece []byte // what is left of the last one
}

func (b *body) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	for len(b.piece) == 0 {
		piece, err := b.conn.Next()
		if errors.Is(err, io.EOF) && b.conn.Trailers {
			b.trailer()
		}
		if err != nil {
			return 0, err
		}
		b.piece = piece
	}
	n := copy(p, b.piece)
	b.piece = b.piece[n:]
	return n, nil
}

func (b *body) trailer() {
	if len(b.conn.Fields) > 0 && b.res.Trailer == nil {
		b.res.Trailer = make(http.Header)
	}
	for _, f := range b.conn.Fields {
		b.res.Trailer[f.Name] = append(b.res.Trailer[f.Name], f.Value)
	}
	b.conn.Trailers = false // told
}

func (b *body) Close() error {
	if b.conn != nil {
		b.conn.Release()
		b.conn, b.piece = nil, nil
	}
	return nil
}
