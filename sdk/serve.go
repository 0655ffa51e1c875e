package sdk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// serve is the whole service.
func (m *Module) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/" && r.Method == http.MethodPost:
		m.call(w, r)
	case r.URL.Path == m.opts.HealthPath && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		m.health(w, r)
	case m.opts.Other != nil:
		m.opts.Other.ServeHTTP(w, r)
	case r.URL.Path == "/" || r.URL.Path == m.opts.HealthPath:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "calls are POST requests", http.StatusMethodNotAllowed)
	default:
		http.NotFound(w, r)
	}
}

// call answers one JSON-RPC request.
func (m *Module) call(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	defer m.calls.Add(-1)
	if n := m.calls.Add(1); m.opts.Concurrency > 0 && n > int64(m.opts.Concurrency) {
		c := &call{module: m, out: new(bytes.Buffer)}
		w.Header().Set("Retry-After", "1")
		c.answer(w, http.StatusServiceUnavailable, errorf(CodeFailed, "all %d places are taken: try again", m.opts.Concurrency))
		return
	}
	c := &call{module: m, header: r.Header, request: requestID(r), out: buffer()}
	c.log = c.logger()
	defer recycle(c.out)
	defer c.release()
	ctx, cancel := c.context(r.Context())
	defer cancel()

	status := http.StatusOK
	err := c.read(w, r)
	if err == nil {
		err = c.run(ctx)
	}
	said := c.tell(ctx, err, began)
	if said != nil {
		status = http.StatusInternalServerError
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
	}
	c.answer(w, status, said)
}

// requestID is the gateway's, or a new one where there is no gateway.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" {
		return id
	}
	return rand.Text()
}

// context is r's context with the call and its deadline.
func (c *call) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(ctx, callKey{}, c)
	if ms, err := strconv.ParseInt(c.header.Get("X-Dynsvc-Deadline"), 10, 64); err == nil {
		return context.WithDeadline(ctx, time.UnixMilli(ms))
	}
	return ctx, func() {}
}

// read takes the body in and finds out what it asks for.
func (c *call) read(w http.ResponseWriter, r *http.Request) error {
	limit := c.module.opts.MaxBody
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	c.body = buffer()
	if r.ContentLength > 0 {
		c.body.Grow(int(min(r.ContentLength, 16<<20)) + bytes.MinRead)
	}
	if _, err := c.body.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		return err
	}
	var req request
	body := c.body.Bytes()
	fault := scan(body, &req)
	if fault != errNotJSON {
		c.v2, c.id = req.v2, append(c.idRoom[:0], req.id...)
	}
	if fault != nil {
		return fault
	}
	c.method = c.module.methods[string(req.method)]
	if c.method == nil {
		fault = c.module.unknown(req.method)
	} else {
		fault = c.arguments(&req)
	}
	if fault != nil && !json.Valid(body) {
		return errNotJSON
	}
	if fault != nil {
		return fault
	}
	return nil
}

// arguments splits the parameters.
func (c *call) arguments(req *request) *Error {
	if c.method.open && req.params != nil && !json.Valid(req.params) {
		return errNotJSON
	}
	c.args.method = c.method
	c.args.raw = c.argsRoom[:0]
	switch {
	case req.params == nil, string(req.params) == "null":
		c.fill()
		return c.counted(0)
	case req.params[0] == '[':
		return c.listed(req.params)
	case req.params[0] == '{' && req.v2:
		return c.byName(req.params)
	default:
		return errorf(CodeParams, "params: want a list, have %s", excerpt(req.params))
	}
}

func (c *call) listed(list []byte) *Error {
	var n int
	var ok bool
	if c.args.raw, n, ok = elements(list, c.args.raw); !ok {
		return errNotJSON
	}
	if fault := c.counted(n); fault != nil {
		return fault
	}
	if n > len(c.args.raw) {
		c.args.raw, _, _ = elements(list, make([]json.RawMessage, 0, n))
	}
	c.fill()
	return nil
}

// counted checks the number of parameters.
func (c *call) counted(n int) *Error {
	if m := c.method; m.arity != anyArity && (n < m.fewest || n > m.arity) {
		return m.wrongNumber(m.arity, n)
	}
	return nil
}

// fill puts nil for the parameters that were left out.
func (c *call) fill() {
	for len(c.args.raw) < c.method.arity {
		c.args.raw = append(c.args.raw, nil)
	}
}

// byName takes the parameters from an object.
func (c *call) byName(object []byte) *Error {
	if c.method.params == nil && c.method.arity == 1 {
		c.args.raw = append(c.args.raw, object)
		return nil
	}
	if !json.Valid(object) {
		return errNotJSON
	}
	if c.method.params == nil && c.method.arity != 0 {
		return errorf(CodeParams, "params: %s takes a list", c.method.name)
	}
	c.args.named = true
	c.args.raw = make([]json.RawMessage, len(c.method.params))
	var fault *Error
	members(object, func(key string, value []byte) {
		for i, name := range c.method.params {
			if name == key {
				c.args.raw[i] = value
				return
			}
		}
		fault = errorf(CodeParams, "params: %s has no parameter %s", c.method.name, excerpt([]byte(key)))
	})
	for i, raw := range c.args.raw {
		if raw == nil && i < c.method.fewest && fault == nil {
			fault = errorf(CodeParams, "params.%s is missing", c.method.params[i])
		}
	}
	return fault
}

// run calls the function. Its panic is an error like another.
func (c *call) run(ctx context.Context) (err error) {
	defer c.progress.end()
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.head()
	c.out.WriteString(`,"result":`)
	if err := c.method.run(ctx, c); err != nil {
		return err
	}
	c.out.WriteByte('}')
	return nil
}

// panicError is a panic of an author's function.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// tell logs how the call ended, and returns what the caller is told.
func (c *call) tell(ctx context.Context, err error, began time.Time) *Error {
	var (
		said  *Error
		crash *panicError
		large *http.MaxBytesError
	)
	level, msg := slog.LevelInfo, "answered"
	switch {
	case err == nil:
	case errors.As(err, &said):
	case errors.As(err, &large):
		said = errorf(CodeRequest, "the request is larger than %d bytes", large.Limit)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		said = errorf(CodeFailed, "the time for the call was up")
	case errors.Is(err, context.Canceled) && ctx.Err() != nil, c.method == nil:
		said, msg = errorf(CodeFailed, "the call was cancelled"), "cancelled"
	default:
		said, level, msg = errorf(CodeInternal, "the method failed; the log of the service says why"), slog.LevelError, "failed"
	}
	log := c.module.log
	if !log.Enabled(ctx, level) {
		return said
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("request_id", c.request), slog.String("method", c.name()))
	if job := c.header.Get("X-Dynsvc-Job"); job != "" {
		attrs = append(attrs, slog.String("job", job))
	}
	attrs = append(attrs, slog.Float64("took_ms", float64(time.Since(began).Microseconds())/1000))
	if said != nil {
		attrs = append(attrs, slog.Int("code", said.code()), slog.String("error", err.Error()))
	}
	if errors.As(err, &crash) {
		attrs = append(attrs, slog.String("stack", string(crash.stack)))
	}
	log.LogAttrs(ctx, level, msg, attrs...)
	return said
}

// head begins an answer.
func (c *call) head() {
	c.out.Reset()
	if c.v2 {
		c.out.WriteString(`{"jsonrpc":"2.0","id":`)
	} else {
		c.out.WriteString(`{"version":"1.1","id":`)
	}
	if len(c.id) == 0 {
		c.out.WriteString("null")
	}
	c.out.Write(c.id)
}

// answer sends the result that is in out, or an error instead.
func (c *call) answer(w http.ResponseWriter, status int, said *Error) {
	if said != nil {
		c.head()
		c.out.WriteString(`,"error":`)
		if err := encode(c.out, c.fault(said)); err != nil {
			panic(err) // these are texts
		}
		c.out.WriteByte('}')
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(c.out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(c.out.Bytes()) // the caller may have left
}

// fault is an error as the request's version has it.
func (c *call) fault(e *Error) any {
	if c.v2 {
		return struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Data    string `json:"data"`
		}{e.code(), e.Message, e.Details}
	}
	return struct {
		Name    string `json:"name"`
		Code    int    `json:"code"`
		Message string `json:"message"`
		Details string `json:"error"`
	}{"JSONRPCError", e.code(), e.Message, e.Details}
}

func (e *Error) code() int {
	if e.Code == 0 {
		return CodeFailed
	}
	return e.Code
}
