package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// problem is an error as RFC 9457 has it, for calls that are not typed.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Cause     service.Cause `json:"cause,omitempty"`
	Log       []string      `json:"log,omitempty"` // last lines of the service's output
	RequestID string        `json:"request_id"`
}

// The two dialects of JSON-RPC. KBase clients take an error object only with
// exactly these keys, all scalar, under exactly this Content-Type.
type (
	reply11 struct {
		Version string          `json:"version"`
		ID      json.RawMessage `json:"id"`
		Error   error11         `json:"error"`
	}
	error11 struct {
		Name    string `json:"name"`
		Code    int    `json:"code"`
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	reply20 struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   error20         `json:"error"`
	}
	error20 struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    string `json:"data"`
	}
)

// JSON-RPC's codes for a method that is not there, for parameters that do not
// fit, and for an error of the server's own.
const (
	codeMethod = -32601
	codeParams = -32602
	codeServer = -32000
)

func codeOf(err error) int {
	switch {
	case errors.As(err, new(*methodError)):
		return codeMethod
	case errors.As(err, new(*paramsError)):
		return codeParams
	}
	return codeServer
}

var null = json.RawMessage("null")

// refuse answers a call that no service answers.
func refuse(w http.ResponseWriter, env envelope, err error, name, requestID string, status int) {
	header := w.Header()
	header.Set(headerRequestID, requestID)
	header.Set("Cache-Control", "no-store")
	if after := retryAfter(err, time.Now()); after > 0 {
		header.Set("Retry-After", strconv.Itoa(after))
	}
	if errors.Is(err, service.ErrUnauthenticated) {
		header.Set("WWW-Authenticate", `Bearer realm="dynsvc"`)
	}
	if errors.Is(err, errClosing) {
		header.Set("Connection", "close")
	}
	detail, failure := said(err, name), failureIn(err)
	var reply any
	switch {
	case env.method == "":
		header.Set("Content-Type", "application/problem+json")
		reply = problemOf(err, name, requestID, status)
	case env.v2:
		header.Set("Content-Type", "application/json")
		reply = reply20{Version: "2.0", ID: id(env), Error: error20{
			Code: codeOf(err), Message: detail, Data: long(failure, requestID),
		}}
	default:
		header.Set("Content-Type", "application/json")
		reply = reply11{Version: "1.1", ID: id(env), Error: error11{
			Name: "JSONRPCError", Code: codeOf(err), Message: detail, Error: long(failure, requestID),
		}}
	}
	text, err := json.Marshal(reply)
	if err != nil { // an id that json.Valid took: cannot be
		text = []byte("{}")
	}
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller may have left; nothing is to be done about it
}

func problemOf(err error, name, requestID string, status int) problem {
	failure := failureIn(err)
	return problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: said(err, name),
		Cause: failure.Cause, Log: failure.Log, RequestID: requestID,
	}
}

// failureIn is the failed start that an error tells of; its zero value: of none.
func failureIn(err error) service.Failure {
	if f := new(service.Failure); errors.As(err, &f) {
		return *f
	}
	return service.Failure{}
}

func id(env envelope) json.RawMessage {
	if env.id == nil {
		return null
	}
	return env.id
}

// long is the text for which JSON-RPC has room beside the message.
func long(f service.Failure, requestID string) string {
	lines := []string{"request " + requestID}
	if f.Cause != "" {
		lines = append(lines, "cause: "+string(f.Cause))
	}
	if len(f.Log) > 0 {
		lines = append(append(lines, "last output:"), f.Log...)
	}
	return strings.Join(lines, "\n")
}
