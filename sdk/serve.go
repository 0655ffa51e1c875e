package sdk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
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
		http.Error(w, m.where(), http.StatusMethodNotAllowed)
	default:
		http.Error(w, m.where(), http.StatusNotFound)
	}
}

// where says what there is, to those who look elsewhere.
func (m *Module) where() string {
	return fmt.Sprintf("calls of %s are POST /, and GET %s tells whether it is ready", m.name, m.opts.HealthPath)
}

// call answers one JSON-RPC request.
func (m *Module) call(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	defer m.calls.Add(-1)
	if n := m.calls.Add(1); m.opts.Concurrency > 0 && n > int64(m.opts.Concurrency) {
		if last := m.fullSaid.Load(); began.UnixMilli()-last >= 1000 && m.fullSaid.CompareAndSwap(last, began.UnixMilli()) {
			m.log.Warn("refused calls: the instance is full", "limit", m.opts.Concurrency) // one line a second is enough
		}
		c := &call{module: m, out: new(bytes.Buffer)}
		w.Header().Set("Retry-After", "1")
		c.answer(w, http.StatusServiceUnavailable, errorf(CodeFailed, "all %d places are taken: try again", m.opts.Concurrency))
		return
	}
	c := &call{module: m, header: r.Header, request: requestID(r), out: buffer()}
	defer recycle(c.out)
	defer c.release()
	ctx, cancel := c.context(r.Context())
	defer cancel()

	err := c.read(w, r)
	if err == nil {
		if c.header.Get("X-Dynsvc-Job") != "" {
			Logger(ctx).Info("job begun")
		}
		err = c.run(ctx)
	}
	end := outcome{status: http.StatusOK, level: slog.LevelDebug, msg: "answered"}
	if err != nil {
		end = failure(ctx, err)
	}
	c.tell(ctx, end, time.Since(began))
	c.answer(w, end.status, end.said)
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
	if text := c.header.Get("X-Dynsvc-Deadline"); text != "" {
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			return context.WithDeadline(ctx, time.UnixMilli(ms))
		}
	}
	return ctx, func() {}
}

// read takes the body in and finds out what it asks for.
func (c *call) read(w http.ResponseWriter, r *http.Request) error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return errCompressed
	}
	limit := c.module.opts.MaxBody
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	c.body = buffer()
	if r.ContentLength > 0 {
		c.body.Grow(int(min(r.ContentLength, 16<<20)) + bytes.MinRead)
	}
	from := r.Body
	if r.ContentLength < 0 {
		from = http.MaxBytesReader(w, from, limit)
	}
	if _, err := c.body.ReadFrom(from); err != nil {
		return &bodyError{err}
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
		return errorf(CodeParams, "params of %s must be a list, not %s", c.method.name, excerpt(req.params))
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
		return errorf(CodeParams, "params of %s must be a list, because they have no names", c.method.name)
	}
	c.args.raw = make([]json.RawMessage, len(c.method.params))
	var fault *Error
	members(object, func(key string, value []byte) {
		for i, name := range c.method.params {
			if name == key {
				c.args.raw[i] = value
				return
			}
		}
		fault = errorf(CodeParams, "%s is no parameter: %s takes %s", excerpt([]byte(key)), c.method.name, c.method.signature(c.method.arity))
	})
	for i, raw := range c.args.raw {
		if raw == nil && i < c.method.fewest && fault == nil {
			fault = errorf(CodeParams, "%s is missing: %s takes %s", c.method.params[i], c.method.name, c.method.signature(c.method.arity))
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
