// Echo is the service of the conformance cases, on the Go runtime.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/sdk"
)

// echo is what the methods share.
type echo struct {
	reason    atomic.Pointer[string] // why it is not ready
	degraded  atomic.Pointer[string]
	cancelled atomic.Int64
}

func main() {
	m := newModule()
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("failed", "error", err)
		os.Exit(1)
	}
}

func newModule() *sdk.Module {
	e := new(echo)
	limit, _ := strconv.Atoi(os.Getenv("ECHO_MAX_CALLS")) // unset: none
	m := sdk.New("Echo", sdk.Options{Version: "1.2.3", Concurrency: limit, Health: e.health, Status: e.status})

	sdk.Handle(m, "echo", func(_ context.Context, value json.RawMessage) (json.RawMessage, error) { return value, nil }, sdk.Params("value"))
	sdk.Handle2(m, "add", func(_ context.Context, a, b int64) (int64, error) { return a + b, nil }, sdk.Params("a", "b"))
	sdk.Handle(m, "scale", scale, sdk.Params("x", "factor?"))
	sdk.Handle(m, "greet", greet, sdk.Params("name", "greeting?"))
	sdk.Handle(m, "length", func(_ context.Context, items []any) (int, error) { return len(items), nil }, sdk.Params("items"))
	sdk.Handle(m, "keys", func(_ context.Context, things map[string]any) ([]string, error) {
		return append([]string{}, slices.Sorted(maps.Keys(things))...), nil
	}, sdk.Params("things"))
	sdk.Handle(m, "flip", func(_ context.Context, on bool) (bool, error) { return !on, nil }, sdk.Params("on"))
	sdk.Handle2(m, "swap", func(_ context.Context, a, b any) (sdk.Results, error) { return sdk.Results{b, a}, nil }, sdk.Params("a", "b"))
	sdk.Handle(m, "nothing", func(context.Context, sdk.None) (sdk.None, error) { return sdk.None{}, nil })
	sdk.Handle(m, "context", about)
	sdk.Handle2(m, "refuse", func(_ context.Context, message string, code int) (sdk.None, error) {
		return sdk.None{}, &sdk.Error{Code: code, Message: message, Details: "because"}
	}, sdk.Params("message", "code"))
	sdk.Handle(m, "crash", func(context.Context, sdk.None) (sdk.None, error) { return sdk.None{}, errors.New("secret cause") })
	sdk.Handle(m, "unspeakable", func(context.Context, sdk.None) (float64, error) { return math.NaN(), nil })
	sdk.Handle(m, "sleep", e.sleep, sdk.Params("ms"))
	sdk.Handle(m, "cancellations", func(context.Context, sdk.None) (int64, error) { return e.cancelled.Load(), nil })
	sdk.Handle3(m, "report", report, sdk.Params("fraction", "message", "ms"))
	sdk.Handle2(m, "ready", func(_ context.Context, yes bool, reason string) (sdk.None, error) {
		if e.reason.Store(nil); !yes {
			e.reason.Store(&reason)
		}
		return sdk.None{}, nil
	}, sdk.Params("yes", "reason"))
	sdk.Handle(m, "degrade", func(_ context.Context, message string) (sdk.None, error) {
		e.degraded.Store(&message)
		return sdk.None{}, nil
	}, sdk.Params("message"))
	return m
}

func scale(_ context.Context, args sdk.Args) (float64, error) {
	x, factor := 0.0, 2.0
	err := args.Decode(&x, &factor)
	return x * factor, err
}

func greet(_ context.Context, args sdk.Args) (string, error) {
	name, greeting := "", "Hello"
	err := args.Decode(&name, &greeting)
	return greeting + ", " + name, err
}

// about tells what the context of its call says.
func about(ctx context.Context, _ sdk.None) (map[string]any, error) {
	deadline, ok := ctx.Deadline()
	return map[string]any{
		"user": orNull(sdk.User(ctx)), "request_id": orNull(sdk.RequestID(ctx)), "job": orNull(sdk.Job(ctx)), "token": orNull(sdk.Token(ctx)),
		"has_deadline": ok, "remaining_positive": ok && time.Until(deadline) > 0, "cancelled": ctx.Err() != nil,
	}, nil
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (e *echo) sleep(ctx context.Context, ms int64) (string, error) {
	if err := pause(ctx, ms); err != nil {
		e.cancelled.Add(1)
		return "", err
	}
	return "slept", nil
}

func report(ctx context.Context, fraction float64, message string, ms int64) (string, error) {
	sdk.Progress(ctx, fraction, message)
	return "reported", pause(ctx, ms)
}

// pause ends early with the call.
func pause(ctx context.Context, ms int64) error {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *echo) health(context.Context) error {
	if reason := e.reason.Load(); reason != nil {
		return errors.New(*reason)
	}
	return nil
}

func (e *echo) status(context.Context) sdk.Status {
	s := sdk.Status{Fields: map[string]any{"colour": "green"}}
	if why := e.degraded.Load(); why != nil && *why != "" {
		s.State, s.Message = "DEGRADED", *why
	}
	return s
}
