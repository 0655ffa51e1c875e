package sdk

import (
	"encoding/json"
	"unicode/utf8"
)

// request is a JSON-RPC request, as far as it was understood. Its slices are
// parts of the body.
type request struct {
	v2     bool   // JSON-RPC 2.0; else 1.1
	id     []byte // nil: none was sent
	method []byte
	params []byte // nil: none were sent

	version, jsonrpc bool // were sent
}

// idLimit bounds an id, which is echoed.
const idLimit = 1 << 10

// scan finds the parts of a request. All of the body but the params is checked
// to be JSON; those are checked when they are decoded, so that nothing is read
// more often than it must be. Where scan returns nil, the body is JSON if and
// only if the params are.
func scan(body []byte, req *request) *Error {
	s := scanner{b: body}
	if !utf8.Valid(body) {
		return errNotJSON
	}
	s.space()
	if s.i < len(body) && body[s.i] != '{' {
		return s.noRequest()
	}
	if !s.take('{') {
		return errNotJSON
	}
	var fault *Error
	for end := s.take('}'); !end; {
		key, value, ok := s.member()
		if !ok {
			return errNotJSON
		}
		isParams, err := req.set(key, value)
		if fault == nil {
			fault = err
		}
		if !isParams && !json.Valid(value) {
			return errNotJSON
		}
		if end = s.take('}'); !end && !s.take(',') {
			return errNotJSON
		}
	}
	if s.space(); s.i != len(body) {
		return errNotJSON
	}
	if fault == nil && len(req.method) == 0 {
		fault = errorf(CodeRequest, "the request names no method")
	}
	if fault != nil && !json.Valid(body) {
		return errNotJSON
	}
	return fault
}

var errNotJSON = &Error{Code: CodeParse, Message: "the body is not JSON"}

// set takes what it knows of a request's members.
func (req *request) set(key, value []byte) (isParams bool, _ *Error) {
	var twice bool
	switch string(key) {
	case "method":
		twice = req.method != nil
		if value[0] != '"' {
			return false, errorf(CodeRequest, "method must be a string")
		}
		req.method = text(value)
	case "id":
		twice = req.id != nil
		if value[0] == '{' || value[0] == '[' || len(value) > idLimit {
			return false, errorf(CodeRequest, "id must be a string or a number")
		}
		req.id = value
	case "jsonrpc":
		twice = req.jsonrpc
		req.jsonrpc = true
		if req.v2 = string(text(value)) == "2.0"; !req.v2 {
			return false, errorf(CodeRequest, `jsonrpc must be "2.0"; leave it out for JSON-RPC 1.1`)
		}
	case "version":
		twice = req.version
		req.version = true
		if value[0] != '"' {
			return false, errorf(CodeRequest, "version must be a string")
		}
	case "params":
		twice = req.params != nil
		req.params = value
		isParams = true
	}
	if twice {
		return isParams, errorf(CodeRequest, "the request has %s twice", key)
	}
	return isParams, nil
}

// noRequest is the error for a body that is no object.
func (s *scanner) noRequest() *Error {
	if !json.Valid(s.b) {
		return errNotJSON
	}
	if s.b[s.i] == '[' {
		return errorf(CodeRequest, "batches are not supported: send one request at a time")
	}
	return errorf(CodeRequest, "a request is an object with method, params and id")
}
