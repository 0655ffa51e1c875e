package sdk

import (
	"errors"
	"fmt"
)

// The codes of JSON-RPC. An author's function uses [CodeFailed] unless it says
// otherwise, and [CodeParams] for values that are of the right type and still wrong.
const (
	CodeParse    = -32700 // the body is not JSON
	CodeRequest  = -32600 // it is JSON, but no request
	CodeMethod   = -32601 // there is no such method
	CodeParams   = -32602 // the parameters do not fit the method
	CodeInternal = -32603 // the method failed in a way that only the log tells
	CodeFailed   = -32000 // the method refused, and says why
)

// Error is an error that the caller gets to read.
type Error struct {
	Code    int    // 0: CodeFailed
	Message string // one sentence
	Details string // longer text, if there is any

	cause error // what Errorf wrapped
}

// Errorf is fmt.Errorf for the caller's eyes.
func Errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: CodeFailed, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns what the error was made of, which is for the module itself.
func (e *Error) Unwrap() error { return e.cause }

func errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
