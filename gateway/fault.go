package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// What can end a call before a service has answered it, beside the kinds of
// package service.
var (
	errClosing = errors.New("the gateway is shutting down: try again")
	errGone    = errors.New("the caller left")

	errAnswered = errors.New("the gateway has answered itself") // no failure
)

// stoppedError refuses a call because an admin stopped the service.
type stoppedError struct{ name string }

func (e *stoppedError) Error() string {
	return e.name + " was stopped by an admin; it takes calls again once an admin starts it"
}

// fullError refuses a call because too many are held.
type fullError struct {
	name   string
	queued int
}

func (e *fullError) Error() string {
	return fmt.Sprintf("%s has %d calls waiting, which is all it may have: try again later", e.name, e.queued)
}

// roomError refuses a call because the whole gateway has what it may have.
type roomError string

func (e roomError) Error() string {
	return "the gateway " + string(e) + ", which is all it may have: try again later"
}

// slowError refuses a call whose body does not come.
type slowError struct{ limit time.Duration }

func (e *slowError) Error() string {
	return fmt.Sprintf("the beginning of the body did not come within %s", e.limit)
}

// startError refuses a call because the service could not be started.
type startError struct {
	name    string
	failure *service.Failure
	again   time.Time // when a call is going to start it again
}

func (e *startError) Error() string { return e.name + " could not be started: " + e.failure.Text }

// Unwrap gives the [service.Failure].
func (e *startError) Unwrap() error { return e.failure }

// methodError refuses a call of a method that the interface does not have.
type methodError struct {
	version *service.Version
	method  string
}

func (e *methodError) Error() string {
	names := make([]string, 0, len(e.version.Methods)+1)
	for _, m := range e.version.Methods {
		if m.Name != statusMethod {
			names = append(names, m.Name)
		}
	}
	return fmt.Sprintf("%s %s has no method %.100q: there are %s", e.version.Module, e.version.Version, e.method,
		strings.Join(append(names, statusMethod), ", "))
}

// Is makes it one of kind [service.ErrNotFound].
func (e *methodError) Is(target error) bool { return target == service.ErrNotFound }

// paramsError refuses a call whose parameters do not fit the interface.
type paramsError struct {
	method  string
	misfits []string // never empty; each begins with its JSON path
}

func (e *paramsError) Error() string {
	return "the parameters of " + e.method + " do not fit: " + strings.Join(e.misfits, "; ")
}

// Is makes it one of kind [service.ErrInvalid].
func (e *paramsError) Is(target error) bool { return target == service.ErrInvalid }

// lateError ends a call that took too long.
type lateError struct {
	name  string
	doing string // what took too long
	limit time.Duration
	which string // the limit as the manifest calls it
}

func (e *lateError) Error() string {
	return fmt.Sprintf("%s %s within %s, its limit %q", e.name, e.doing, e.limit, e.which)
}

// statusGone is logged where the caller left. Nobody is there to read it.
const statusGone = 499

// statusOf maps an error to the status of the answer.
func statusOf(err error) int {
	var (
		stopped *stoppedError
		full    *fullError
		start   *startError
		late    *lateError
		large   *http.MaxBytesError
	)
	switch {
	case errors.Is(err, errGone):
		return statusGone
	case errors.As(err, &late):
		return http.StatusGatewayTimeout
	case errors.As(err, &stopped), errors.As(err, &full), errors.As(err, &start),
		errors.As(err, new(roomError)), errors.Is(err, errClosing), errors.Is(err, service.ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.As(err, new(*slowError)), errors.As(err, new(*paceError)):
		return http.StatusRequestTimeout
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, service.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, service.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, service.ErrUnauthenticated):
		return http.StatusUnauthorized
	case errors.Is(err, service.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, service.ErrLimited):
		return http.StatusTooManyRequests
	case errors.Is(err, service.ErrConflict):
		return http.StatusConflict
	}
	return http.StatusBadGateway
}

// known reports whether an error was logged already when its cause came about:
// a service that is broken, stopped or full refuses every call alike.
func known(err error) bool {
	return errors.As(err, new(*startError)) || errors.As(err, new(*stoppedError)) || errors.As(err, new(*fullError)) || errors.As(err, new(roomError))
}

// retryAfter says after how many seconds it makes sense to try again; 0: it
// does not, or nobody knows.
func retryAfter(err error, now time.Time) int {
	var start *startError
	var full *fullError
	var limited *service.LimitError
	switch {
	case errors.As(err, &limited):
		return limited.Seconds()
	case errors.As(err, &start):
		return max(1, int((start.again.Sub(now)+time.Second-1)/time.Second))
	case errors.As(err, &full), errors.As(err, new(roomError)), errors.Is(err, errClosing):
		return 1
	}
	return 0
}

// said is what the caller reads of an error. What went wrong between gateway
// and instance is for the log.
func said(err error, name string) string {
	if statusOf(err) == http.StatusBadGateway {
		if dial := new(dialError); errors.As(err, &dial) {
			return "no instance of " + name + " could be reached"
		}
		return "the instance of " + name + " gave no answer"
	}
	return err.Error()
}

// ended is why a context ended.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		return errGone
	}
	return cause
}
