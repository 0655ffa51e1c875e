package service

import (
	"errors"
	"fmt"
)

// The kinds of error. A package wraps one of them, so that the edges (HTTP
// status, exit code) can be chosen in one place each.
var (
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("conflict")
	ErrInvalid         = errors.New("invalid")
	ErrUnauthenticated = errors.New("unauthenticated") // nobody knows who asks
	ErrDenied          = errors.New("denied")          // it is known who asks, and they may not
	ErrLimited         = errors.New("limited")         // asked for too much at a time
	ErrUnavailable     = errors.New("unavailable")
)

// kindError is a message for a person that also is one of the kinds above.
type kindError struct {
	kind error
	err  error
}

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

// Errorf returns an error of the given kind whose text is exactly the formatted
// message. %w works as in [fmt.Errorf].
func Errorf(kind error, format string, args ...any) error {
	return &kindError{kind: kind, err: fmt.Errorf(format, args...)}
}
