package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// outcome is how a call ended, for the caller and for the log.
type outcome struct {
	said   *Error // nil: it has a result
	status int
	level  slog.Level
	msg    string
	cause  string
	stack  []byte
}

// failure is the outcome of a call that ended with an error. Clients of JSON-RPC
// 1.1 read an error with status 500 only, so others are for what is no request
// at all.
func failure(ctx context.Context, err error) outcome {
	end := outcome{status: http.StatusInternalServerError, level: slog.LevelDebug, msg: "answered", cause: err.Error()}
	var (
		crash *panicError
		large *http.MaxBytesError
		body  *bodyError
	)
	switch {
	case errors.Is(err, errCompressed):
		end.said, end.status = errCompressed, http.StatusUnsupportedMediaType
	case errors.As(err, &end.said):
	case errors.As(err, &large):
		end.said, end.status = errorf(CodeRequest, "the request is larger than %d bytes", large.Limit), http.StatusRequestEntityTooLarge
	case errors.As(err, &body):
		end.said, end.status = errorf(CodeRequest, "the body of the request is broken"), http.StatusBadRequest
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		end.said, end.msg = errorf(CodeFailed, "the call's deadline has passed"), "cancelled"
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		end.said, end.msg, end.cause = errorf(CodeFailed, "the call was cancelled"), "cancelled", "the caller left"
		if errors.Is(context.Cause(ctx), errStopped) {
			end.said, end.cause = errorf(CodeFailed, "the call was cancelled: %v", errStopped), errStopped.Error()
		}
	default:
		end.said = errorf(CodeInternal, "the method failed; the log of the service says why")
		end.level, end.msg = slog.LevelError, "failed"
		if errors.As(err, &crash) {
			end.stack = crash.stack
		}
	}
	return end
}

// panicError is a panic of an author's function.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// bodyError is a body that could not be read to its end.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read the body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

var errCompressed = &Error{Code: CodeRequest, Message: "the body must not be compressed"}

// tell logs the outcome: of a job always, of other calls only for those who look
// closely, because the gateway counts them, and of faults as such.
func (c *call) tell(ctx context.Context, end outcome, took time.Duration) {
	log, job := c.module.log, c.header.Get("X-Dynsvc-Job")
	if job != "" {
		end.level = max(end.level, slog.LevelInfo)
	}
	if !log.Enabled(ctx, end.level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("request_id", c.request), slog.String("method", c.name()))
	if job != "" {
		attrs = append(attrs, slog.String("job", job))
	}
	attrs = append(attrs, slog.Float64("took_ms", float64(took.Microseconds())/1000))
	if end.said != nil {
		attrs = append(attrs, slog.Int("code", end.said.code()), slog.String("error", end.cause))
	}
	if end.stack != nil {
		attrs = append(attrs, slog.String("stack", string(end.stack)))
	}
	log.LogAttrs(ctx, end.level, end.msg, attrs...)
}
