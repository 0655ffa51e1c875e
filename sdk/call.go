package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// call is one request while it is answered.
type call struct {
	module   *Module
	method   *method // nil until it is known
	header   http.Header
	request  string // its id in the logs of everybody who saw it
	v2       bool
	id       []byte // of JSON-RPC; nil: none
	args     Args
	body     *bytes.Buffer // what args lie in
	out      *bytes.Buffer
	progress progress

	idRoom   [40]byte
	argsRoom [3]json.RawMessage
}

type callKey struct{}

// from returns the call that a context belongs to, or nil.
func from(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func header(ctx context.Context, key string) string {
	if c := from(ctx); c != nil {
		return c.header.Get(key)
	}
	return ""
}

// User returns who calls, as the gateway knows it; "" is somebody unknown.
func User(ctx context.Context) string { return header(ctx, "X-Dynsvc-User") }

// RequestID returns what the call is named in all logs.
func RequestID(ctx context.Context) string {
	if c := from(ctx); c != nil {
		return c.request
	}
	return ""
}

// Job returns the id of the job that an asynchronous call is; "" is a
// synchronous one.
func Job(ctx context.Context) string { return header(ctx, "X-Dynsvc-Job") }

// Token returns the token that the caller sent for this module, without a scheme
// such as Bearer.
func Token(ctx context.Context) string {
	token := header(ctx, "Authorization")
	scheme, rest, _ := strings.Cut(token, " ")
	if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "OAuth") {
		return strings.TrimSpace(rest)
	}
	return token
}

// Logger returns the log for what belongs to the call: its lines carry the
// request id, the method, and the job if there is one.
func Logger(ctx context.Context) *slog.Logger {
	c := from(ctx)
	if c == nil {
		return slog.Default()
	}
	log := c.module.log.With("request_id", c.request, "method", c.name())
	if job := c.header.Get("X-Dynsvc-Job"); job != "" {
		log = log.With("job", job)
	}
	return log
}

// name is the method's, or "" before it is known.
func (c *call) name() string {
	if c.method == nil {
		return ""
	}
	return c.method.name
}

// keep leaves the body to the function for good.
func (c *call) keep() {
	c.args.raw = append([]json.RawMessage(nil), c.args.raw...)
	c.body = nil
}

// release gives the body's memory back, once all is decoded.
func (c *call) release() {
	if c.body == nil {
		return
	}
	clear(c.argsRoom[:])
	c.args.raw = nil
	recycle(c.body)
	c.body = nil
}

// buffers are for bodies and answers of usual size.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func buffer() *bytes.Buffer {
	buf, _ := buffers.Get().(*bytes.Buffer)
	return buf
}

func recycle(buf *bytes.Buffer) {
	if buf.Cap() <= 4<<20 {
		buf.Reset()
		buffers.Put(buf)
	}
}
