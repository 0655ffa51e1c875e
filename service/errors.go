package service

import (
	"errors"
	"fmt"
	"time"
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

// LimitError refuses what somebody asked for too often; it is [ErrLimited].
type LimitError struct {
	Text  string        // for a person
	After time.Duration // until it makes sense to try again
}

func (e *LimitError) Error() string { return e.Text }

// Seconds is After for a Retry-After header.
func (e *LimitError) Seconds() int {
	return max(1, int((e.After+time.Second-1)/time.Second))
}

// Is makes it one of its kind.
func (e *LimitError) Is(target error) bool { return target == ErrLimited }

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
