package kbase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// bodyLimit bounds a request. Clients send names; reports of executions are the
// longest.
const bodyLimit = 4 << 20

// degree is what a method wants to know of its caller.
type degree int

const (
	anyone   degree = iota // the token is not looked at
	optional               // a bad token is none
	required
	admin
)

// operation is one method of an API.
type operation struct {
	who   degree
	args  int // parameters at most; one that is not given is null
	least int
	do    func(ctx context.Context, c *call) (any, error)
}

// nothing is the result of a method that has none.
type nothing struct{}

// api is a set of methods under one name.
type api struct {
	*Facade
	module     string
	operations map[string]operation
}

// call is one request to an api.
type call struct {
	caller service.Caller
	params []json.RawMessage
	method string
}

// request is what is read of a body; reply is what is written.
type request struct {
	Version json.RawMessage `json:"version"`
	V2      json.RawMessage `json:"jsonrpc"`
	Method  json.RawMessage `json:"method"`
	Params  json.RawMessage `json:"params"`
	ID      json.RawMessage `json:"id"`
}

type reply struct {
	Version string          `json:"version,omitempty"`
	V2      string          `json:"jsonrpc,omitempty"`
	ID      json.RawMessage `json:"id,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   *replyError     `json:"error,omitempty"`
}

// replyError has no other keys and only scalars: KBase's clients take no others.
type replyError struct {
	Name    string  `json:"name"`
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Error   *string `json:"error,omitempty"`
	Data    *string `json:"data,omitempty"`
}

// ServeHTTP answers a call whatever its Content-Type: clients send JSON under any.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.share(w.Header(), r)
	var req request
	var out reply
	var err error
	switch r.Method {
	case http.MethodOptions:
		return
	case http.MethodPost:
		out.Result, err = a.answer(w, r, &req)
	default:
		err = &fault{codeGet, "HTTP " + r.Method + " not allowed."}
	}
	a.write(w, r, &req, out, err)
}

// share lets browsers of any origin call, and pages that may send the session's
// cookie read what comes of that.
func (f *Facade) share(h http.Header, r *http.Request) {
	allow := r.Header.Get("Access-Control-Request-Headers")
	if allow == "" {
		allow = "authorization"
	}
	h.Set("Access-Control-Allow-Origin", "*")
	if origin := r.Header.Get("Origin"); slices.Contains(f.opts.Origins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(f.opts.Origins) > 0 {
		h.Add("Vary", "Origin")
	}
	h.Set("Access-Control-Allow-Headers", allow)
	h.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
	h.Set("Content-Type", "application/json") // exactly this: clients compare
}

func (a *api) write(w http.ResponseWriter, r *http.Request, req *request, out reply, err error) {
	status := http.StatusOK
	out.ID = req.ID
	v2 := string(req.V2) == `"2.0"`
	if v2 {
		out.V2 = "2.0"
	} else {
		out.Version = "1.1"
	}
	if err != nil {
		f, own := faultOf(err)
		if own && r.Context().Err() == nil {
			a.log.Error("request failed", "method", string(req.Method), "error", err)
		}
		status = http.StatusInternalServerError
		out.Result, out.Error = nil, &replyError{Name: codeNames[f.code], Code: f.code, Message: f.message}
		if v2 {
			out.Error.Data = new(f.message)
		} else {
			out.Error.Error = new(f.message)
		}
	} else if string(req.ID) == "null" { // a notification
		w.WriteHeader(status)
		return
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		a.log.Error("could not write an answer", "method", string(req.Method), "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // a client that left cannot be told
}

// answer reads a request and does what it asks for.
func (a *api) answer(w http.ResponseWriter, r *http.Request, req *request) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return nil, &fault{codeRequest, fmt.Sprintf("The request is longer than %d bytes", large.Limit)}
	}
	if err != nil {
		return nil, &fault{codeRequest, "The request broke off"}
	}
	if err := json.Unmarshal(body, req); err != nil {
		if json.Valid(body) {
			return nil, &fault{codeRequest, "The request is not an object with method, params and id"}
		}
		return nil, &fault{codeParse, "The request is not JSON: " + err.Error()}
	}
	c := &call{}
	if json.Unmarshal(req.Method, &c.method) != nil || c.method == "" || len(req.ID) == 0 || strings.IndexByte("{[", req.ID[0]) >= 0 {
		req.ID = nil
		return nil, &fault{codeRequest, "The request needs a method and an id"}
	}
	op, ok := a.operations[strings.TrimPrefix(c.method, a.module+".")]
	if !ok || !strings.HasPrefix(c.method, a.module+".") {
		return nil, &fault{codeMethod, fmt.Sprintf("Method '%s' not found", c.method)}
	}
	if err := c.read(op, req.Params); err != nil {
		return nil, err
	}
	if c.caller, err = a.caller(r, op.who); err != nil {
		return nil, err
	}
	ctx := asking(r.Context(), func() service.Caller {
		caller, _ := a.caller(r, optional) // whose bad token is none
		return caller
	})
	result, err := op.do(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, none := result.(nothing); none {
		return json.RawMessage("null"), nil
	}
	return []any{result}, nil
}

// read takes the parameters apart.
func (c *call) read(op operation, params json.RawMessage) error {
	switch {
	case len(params) > 0 && json.Unmarshal(params, &c.params) != nil:
		return &fault{codeParams, fmt.Sprintf("Invalid params for %s: they are an array of arguments", c.method)}
	case len(c.params) == 0 && op.least > 0:
		return &fault{codeParams, "No params passed to method " + c.method}
	case len(c.params) < op.least:
		return &fault{codeParams, "not enough arguments"}
	}
	if len(c.params) > op.args {
		return refusal("%s takes %d arguments but %d were given", c.method, op.args, len(c.params))
	}
	return nil
}

// argument decodes a parameter. null, and one that is not there, is the zero value.
func argument[T any](c *call, i int) (T, error) {
	var v T
	if i >= len(c.params) {
		return v, nil
	}
	if err := json.Unmarshal(c.params[i], &v); err != nil {
		return v, &fault{codeParams, fmt.Sprintf("Invalid params for %s: positional arg #%d is the wrong type", c.method, i+1)}
	}
	return v, nil
}

// truth is KBase's boolean: 0 or 1, and what else a client may send for it.
type truth bool

func (t *truth) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "0", "false", "null", `"0"`, `""`:
		*t = false
	case "1", "true", `"1"`:
		*t = true
	default:
		return errors.New("not 0 or 1")
	}
	return nil
}

func (t truth) MarshalJSON() ([]byte, error) {
	if t {
		return []byte("1"), nil
	}
	return []byte("0"), nil
}
