package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// problem turns a kind of error into a status and an RFC 9457 answer. The cause
// of a 5xx that is our own fault is logged and not shown.
func (a *api) problem(operation string, err error) error {
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		a.log.Error("request failed", "operation", operation, "error", err)
		return huma.NewError(status, "dynsvc could not do this; its log says why")
	}
	problem := huma.NewError(status, err.Error())
	var often *service.LimitError
	switch {
	case errors.As(err, &often):
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {strconv.Itoa(often.Seconds())}})
	case errors.As(err, new(*store.JobLimitError)):
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {"1"}})
	}
	return problem
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, service.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, service.ErrInvalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, service.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, service.ErrUnauthenticated):
		return http.StatusUnauthorized
	case errors.Is(err, service.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, service.ErrLimited):
		return http.StatusTooManyRequests
	case errors.Is(err, service.ErrUnavailable):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, http.StatusNotFound, "nothing is at "+r.URL.Path+"; calls to services begin with /svc/, the API with /api/v1/")
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, http.StatusMethodNotAllowed, r.Method+" is not offered at "+r.URL.Path)
}

// writeProblem answers where no operation of the API was reached.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{ // a client that left cannot be told
		Title: http.StatusText(status), Status: status, Detail: detail,
	})
}
